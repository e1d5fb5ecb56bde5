using Bulkhead.Host.Memory;

namespace Bulkhead.Host.Files;

/// <summary>A whole file in memory that goes when it is disposed, whatever its size.</summary>
public sealed unsafe class FileBytes : IDisposable
{
    private readonly PrivateMemory? _memory;
    private readonly int _length;

    private FileBytes(PrivateMemory? memory, int length)
    {
        _memory = memory;
        _length = length;
    }

    /// <summary>No bytes.</summary>
    public static FileBytes None { get; } = new(null, 0);

    /// <summary>The bytes, until it is disposed.</summary>
    public ReadOnlySpan<byte> Span => _memory is null ? [] : new ReadOnlySpan<byte>(_memory.Pointer, _length);

    /// <summary>Reads a file; an <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/> says why it cannot be.</summary>
    public static FileBytes Read(string path)
    {
        using FileStream file = File.OpenRead(path);
        if (file.Length > int.MaxValue)
        {
            throw new IOException($"{path} has {file.Length >> 20} MiB; at most 2 GiB can be read.");
        }

        if (file.Length == 0)
        {
            return None;
        }

        var memory = new PrivateMemory((ulong)file.Length);
        try
        {
            memory.Populate();

            // SAFETY: the mapping has that many bytes (FileBytesTests).
            var bytes = new Span<byte>(memory.Pointer, (int)file.Length);
            file.ReadExactly(bytes);
            return new FileBytes(memory, bytes.Length);
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _memory?.Dispose();
}
