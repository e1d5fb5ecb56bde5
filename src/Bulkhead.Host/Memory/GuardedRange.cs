namespace Bulkhead.Host.Memory;

/// <summary>Address space with a page before and after it that nobody can touch: what runs over an end stops there.</summary>
internal static unsafe class GuardedRange
{
    private const nuint Guard = 4096;

    /// <summary>Maps <paramref name="size"/> bytes (rounded up to pages) between two guard pages; null where the host refuses.</summary>
    internal static byte* Map(nuint size, int flags, int fd, int protection = Libc.ProtRead | Libc.ProtWrite)
    {
        size = Round(size);
        byte* all = (byte*)Libc.Mmap(null, size + (2 * Guard), Libc.ProtNone, Libc.MapPrivate | Libc.MapAnonymous | Libc.MapNoReserve, -1, 0);
        if (all == (byte*)-1)
        {
            return null;
        }

        void* middle = Libc.Mmap(all + Guard, size, protection, flags | Libc.MapFixed, fd, 0);
        if (middle == (void*)-1)
        {
            _ = Libc.Munmap(all, size + (2 * Guard));
            return null;
        }

        return all + Guard;
    }

    /// <summary>Unmaps what <see cref="Map"/> gave.</summary>
    internal static void Unmap(byte* middle, nuint size) => _ = Libc.Munmap(middle - Guard, Round(size) + (2 * Guard));

    private static nuint Round(nuint size) => (size + Guard - 1) & ~(Guard - 1);
}
