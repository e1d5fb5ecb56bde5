namespace Bulkhead.Cli.Machines;

/// <summary>The last bytes a guest printed that nobody took yet; what comes too much pushes out the oldest.</summary>
/// <remarks><i>Shape</i>: positions count every byte ever written, so that a reader may copy, send, and then say how far it
/// got. <i>Threading</i>: its user's lock.</remarks>
internal sealed class OutputRing(int sizeBytes)
{
    private readonly byte[] _bytes = new byte[sizeBytes];
    private long _written;
    private long _taken;

    /// <summary>Whether nothing waits.</summary>
    internal bool IsEmpty => _taken == _written;

    /// <summary>Adds bytes.</summary>
    internal void Write(ReadOnlySpan<byte> data)
    {
        foreach (byte b in data)
        {
            _bytes[_written++ % sizeBytes] = b;
        }

        _taken = Math.Max(_taken, _written - sizeBytes);
    }

    /// <summary>Copies the oldest bytes; returns where they start and how many they are.</summary>
    internal (long Start, int Count) Copy(Span<byte> destination)
    {
        int count = (int)Math.Min(destination.Length, _written - _taken);
        for (int i = 0; i < count; i++)
        {
            destination[i] = _bytes[(_taken + i) % sizeBytes];
        }

        return (_taken, count);
    }

    /// <summary>Forgets the bytes before <paramref name="position"/>.</summary>
    internal void Take(long position) => _taken = Math.Max(_taken, position);
}
