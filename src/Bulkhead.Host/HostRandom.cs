using System.Buffers.Binary;

namespace Bulkhead.Host;

/// <summary>What nobody knows.</summary>
/// <remarks>The class library's generator would load OpenSSL for this: 3 MiB, and time at the start.</remarks>
public static class HostRandom
{
    /// <summary>Fills bytes.</summary>
    public static void Fill(Span<byte> bytes)
    {
        using FileStream source = File.OpenRead("/dev/urandom");
        source.ReadExactly(bytes);
    }

    /// <summary>A number.</summary>
    public static ulong Next()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        Fill(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }
}
