using Bulkhead.Devices.Executors;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Devices.Firmware;

/// <summary>What a flash holds, and the file that keeps it.</summary>
/// <remarks>
/// <para>Changes go to the file in the guest's order, on a thread of their own: no vCPU waits for the host's storage. A guest that changes
/// faster than the file takes it, and one whose file takes no more, learns it by the flash's status.</para>
/// <para><i>Threading</i>: the flash's lock for the bytes; own lock, which comes after that, for what waits for the file. <i>Cost</i>: nothing is allocated by a change.</para>
/// </remarks>
public sealed class FlashContent : IDisposable
{
    /// <summary>The most bytes of a change that is not a block of ones.</summary>
    internal const int MostBytes = sizeof(ulong);

    private const int MostWaiting = 1 << 14;

    private readonly Lock _lock = new();
    private readonly byte[] _bytes;
    private readonly SafeFileHandle? _file;
    private readonly IDeviceExecutor? _executor;
    private readonly Change[] _waiting = [];
    private readonly byte[] _ones = [];
    private int _first;
    private int _count;
    private bool _failed;

    /// <summary>Content of which what is changed is forgotten.</summary>
    /// <param name="bytes">What it begins as; its own from now on.</param>
    public FlashContent(byte[] bytes) => _bytes = bytes;

    /// <summary>Content that a file keeps.</summary>
    /// <param name="bytes">What is in the file; its own from now on.</param>
    /// <param name="file">The file, which is disposed with it.</param>
    /// <param name="executor">Where the file is written; disposed with it.</param>
    public FlashContent(byte[] bytes, SafeFileHandle file, IDeviceExecutor executor)
    {
        ArgumentNullException.ThrowIfNull(executor);
        (_bytes, _file, _executor) = (bytes, file, executor);
        _waiting = new Change[MostWaiting];
        _ones = new byte[Flash.BlockBytes];
        _ones.AsSpan().Fill(0xFF);
        executor.Start(WriteAll, Fail);
    }

    /// <summary>Raised once, when the file takes no more, on the thread that writes it; the guest learns it by the flash's status.</summary>
    public event Action<Exception>? Failed;

    /// <summary>How much it holds.</summary>
    public int Length => _bytes.Length;

    internal ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Changes some bytes; false, and nothing changed, where the file does not take them.</summary>
    internal bool TryWrite(int offset, ReadOnlySpan<byte> bytes)
    {
        if (!TryQueue(new Change(offset, bytes.Length, LittleEndian.Get(bytes))))
        {
            return false;
        }

        bytes.CopyTo(_bytes.AsSpan(offset));
        return true;
    }

    /// <summary>Sets a block to ones; false, and nothing changed, where the file does not take it.</summary>
    internal bool TryErase(int offset)
    {
        if (!TryQueue(new Change(offset, Flash.BlockBytes, 0)))
        {
            return false;
        }

        _bytes.AsSpan(offset, Flash.BlockBytes).Fill(0xFF);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _executor?.Dispose();
        if (_file is not null)
        {
            try
            {
                WriteAll();
                RandomAccess.FlushToDisk(_file);
            }
            catch (IOException e)
            {
                Fail(e);
            }

            _file.Dispose();
        }
    }

    private bool TryQueue(Change change)
    {
        if (_executor is null)
        {
            return true;
        }

        lock (_lock)
        {
            if (_failed || _count == MostWaiting)
            {
                return false;
            }

            _waiting[(_first + _count++) % MostWaiting] = change;
        }

        _executor.Ring();
        return true;
    }

    private bool TryTake(out Change change)
    {
        lock (_lock)
        {
            change = _count == 0 ? default : _waiting[_first];
            bool any = _count > 0 && !_failed;
            (_first, _count) = any ? ((_first + 1) % MostWaiting, _count - 1) : (_first, _count);
            return any;
        }
    }

    private void WriteAll()
    {
        Span<byte> bytes = stackalloc byte[MostBytes];
        while (_file is not null && TryTake(out Change change))
        {
            LittleEndian.Put(bytes, change.Value);
            ReadOnlySpan<byte> written = change.Length == Flash.BlockBytes ? _ones : bytes[..change.Length];
            try
            {
                RandomAccess.Write(_file, written, change.Offset);
            }
            catch (IOException e)
            {
                Fail(e);
            }
        }
    }

    private void Fail(Exception why)
    {
        bool failed;
        lock (_lock)
        {
            (failed, _failed) = (_failed, true);
        }

        if (!failed)
        {
            Failed?.Invoke(why);
        }
    }

    private readonly record struct Change(int Offset, int Length, ulong Value);
}
