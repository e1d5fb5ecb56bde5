using System.Text;

namespace Bulkhead.Host.Network;

/// <summary>Where a socket of this host stands in its file system.</summary>
/// <remarks><i>Source</i>: unix(7).</remarks>
public sealed class UnixAddress
{
    /// <summary>The most bytes of a path.</summary>
    public const int MostPathBytes = 107;

    /// <summary>Where the path is in <see cref="Bytes"/>, with a 0 behind it.</summary>
    internal const int PathAt = 2;

    private readonly byte[] _bytes;

    private UnixAddress(string path, byte[] bytes) => (Path, _bytes) = (path, bytes);

    /// <summary>The path.</summary>
    public string Path { get; }

    /// <summary>struct sockaddr_un: the family, the path, and a 0 behind it.</summary>
    internal ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Makes one; null where the path is empty, too long, or no path.</summary>
    public static UnixAddress? TryCreate(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        int length = Encoding.UTF8.GetByteCount(path);
        return length is 0 or > MostPathBytes || path.Contains('\0', StringComparison.Ordinal)
            ? null
            : new UnixAddress(path, [SocketCalls.Unix, 0, .. Encoding.UTF8.GetBytes(path), 0]);
    }
}
