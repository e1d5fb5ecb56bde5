using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Devices.Firmware;

/// <summary>What a flash holds, and the file that keeps it.</summary>
/// <remarks><i>Threading</i>: the flash's lock. A change is in the file before the guest goes on, and on the disk after <see cref="Dispose"/>.</remarks>
public sealed class FlashContent : IDisposable
{
    private readonly byte[] _bytes;
    private readonly SafeFileHandle? _file;

    /// <summary>Content that begins as these bytes.</summary>
    /// <param name="bytes">The bytes, which are its own from now on.</param>
    /// <param name="file">A file of the same content, which is disposed with it; null: what is changed is forgotten.</param>
    public FlashContent(byte[] bytes, SafeFileHandle? file = null) => (_bytes, _file) = (bytes, file);

    /// <summary>How much it holds.</summary>
    public int Length => _bytes.Length;

    internal ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Changes bytes; false, and nothing changed, where the file cannot take them.</summary>
    internal bool TryWrite(int offset, ReadOnlySpan<byte> bytes)
    {
        try
        {
            if (_file is not null)
            {
                RandomAccess.Write(_file, bytes, offset);
            }
        }
        catch (IOException)
        {
            return false; // the guest learns it by the flash's status
        }

        bytes.CopyTo(_bytes.AsSpan(offset));
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_file is not null)
        {
            RandomAccess.FlushToDisk(_file);
            _file.Dispose();
        }
    }
}
