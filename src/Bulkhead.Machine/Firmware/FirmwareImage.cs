using Bulkhead.Core.Memory;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Firmware;
using Bulkhead.Host;
using Bulkhead.Host.Files;
using Bulkhead.Host.Memory;
using Bulkhead.Machine.Boot;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Machine.Firmware;

/// <summary>A domain's firmware for one life: its ROM, and where it says what it does.</summary>
/// <remarks><i>Threading</i>: made and disposed by the control thread; <see cref="Log"/> on a vCPU's.</remarks>
internal sealed class FirmwareImage : IDisposable
{
    private const int ShadowBytes = (int)(BootLayout.FirmwareEnd - BootLayout.FirmwareStart);

    private const int MostVariableBytes = 1 << 20;
    private const long MostLogBytes = 16 << 20;

    private readonly byte[] _shadow;
    private FileStream? _log;

    private FirmwareImage(SharedMemory rom, byte[] shadow, FlashContent? variables, FileStream? log) =>
        (Rom, _shadow, Variables, _log) = (rom, shadow, variables, log);

    /// <summary>The ROM; it ends at 4 GiB.</summary>
    internal SharedMemory Rom { get; }

    /// <summary>What its variables are kept in, right below the ROM; null where it has none.</summary>
    internal FlashContent? Variables { get; }

    /// <summary>Reads it; the caller disposes it.</summary>
    /// <param name="request">Which.</param>
    /// <param name="executor">Makes what writes the file of variables.</param>
    internal static FirmwareImage Open(FirmwareRequest request, Func<IDeviceExecutor> executor)
    {
        using FileBytes file = request.Read();
        byte[] shadow = file.Span[^Math.Min(file.Span.Length, ShadowBytes)..].ToArray();
        FlashContent? variables = OpenVariables(request, executor);
        FileStream? log = null;
        try
        {
            log = request.LogPath is { } path ? new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            variables?.Dispose();
            throw new OperatorException($"{request.LogPath}: cannot be written: {e.Message}", 2);
        }

        return new FirmwareImage(SharedMemory.Of("firmware", file.Span), shadow, variables, log);
    }

    /// <summary>Opens the file of variables, which is made where it is not there yet.</summary>
    private static FlashContent? OpenVariables(FirmwareRequest request, Func<IDeviceExecutor> executor)
    {
        if (request.Template is not { } template)
        {
            return null;
        }

        using FileBytes first = FirmwareRequest.Read(template);
        byte[] bytes = first.Span.ToArray();
        if (bytes.Length is 0 or > MostVariableBytes || bytes.Length % Flash.BlockBytes != 0)
        {
            throw new OperatorException(
                $"{template}: {bytes.Length} bytes are no variables of a firmware; they have up to {MostVariableBytes >> 20} MiB, in whole {Flash.BlockBytes >> 10} KiB. Move the file away if it belongs to something else.", 2);
        }

        if (request.VariablesPath is not { } path)
        {
            return new FlashContent(bytes);
        }

        SafeFileHandle? file = null;
        try
        {
            // Nobody else meanwhile: two machines would spoil each other's.
            file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            long length = RandomAccess.GetLength(file);
            if (length == 0)
            {
                RandomAccess.Write(file, bytes, 0);
            }
            else if (length != bytes.Length)
            {
                throw new OperatorException(
                    $"{path}: has {length} bytes, but the variables of {request.Path} have {bytes.Length}; name a file that is not there yet, and it is made.", 2);
            }
            else
            {
                _ = RandomAccess.Read(file, bytes, 0);
            }

            return new FlashContent(bytes, file, executor());
        }
        catch (Exception e)
        {
            file?.Dispose();
            throw e is IOException or UnauthorizedAccessException ? new OperatorException($"{path}: cannot be used for variables: {e.Message}", 2) : e;
        }
    }

    /// <summary>Copies the ROM's end to where a processor in real mode finds it: what lies there is its own RAM later on.</summary>
    internal void Shadow(GuestMemory memory)
    {
        memory.Protect(0);
        LoaderWriter.Bytes(memory, BootLayout.FirmwareEnd - (ulong)_shadow.Length, _shadow);
    }

    /// <summary>Takes a byte of what it says; a guest cannot fill a disk by it.</summary>
    internal void Log(byte b)
    {
        try
        {
            if (_log?.Position < MostLogBytes)
            {
                _log.WriteByte(b);
            }
        }
        catch (IOException)
        {
            _log = null; // a full disk ends the log, not the guest
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Rom.Dispose();
        Variables?.Dispose();
        _log?.Dispose();
    }
}
