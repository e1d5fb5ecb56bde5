namespace Bulkhead.Devices.Backends.Disks.Qcow2;

/// <summary>An entry of a mapping table (L2): where a cluster is.</summary>
/// <remarks>
/// <code>
/// bit    63      62          61..56  55..9        8..1  0
///        copied  compressed  0       host offset  0     reads as zeros (version 3)
/// compressed: the host offset is of bits 0..x-1, then come further 512-byte sectors; x = 62 - (cluster bits - 8)
/// </code>
/// "Copied" says that nothing else refers to the cluster, so that it may be written in place.
/// </remarks>
internal readonly record struct MapEntry(ulong Value)
{
    internal bool IsCopied => (Value & Qcow2Layout.Copied) != 0;

    internal bool IsCompressed => (Value & Qcow2Layout.Compressed) != 0;

    /// <summary>Where the cluster stands; 0 for nowhere. Not of compressed ones.</summary>
    internal long HostOffset => (long)(Value & Qcow2Layout.OffsetMask);

    internal static MapEntry At(long hostOffset) => new((ulong)hostOffset | Qcow2Layout.Copied);

    /// <summary>What it says, in an image of some version and file of some length.</summary>
    internal ExtentKind Kind(int version, int clusterBits, long fileBytes)
    {
        if (IsCompressed)
        {
            return ExtentKind.Compressed;
        }

        ulong flags = Qcow2Layout.Copied | (version >= 3 ? Qcow2Layout.Zero : 0);
        if ((Value & ~(flags | Qcow2Layout.OffsetMask)) != 0 || (HostOffset & ((1L << clusterBits) - 1)) != 0 || HostOffset > Math.Max(0, fileBytes - 1))
        {
            return ExtentKind.Malformed;
        }

        return (Value & Qcow2Layout.Zero) != 0 ? ExtentKind.Zero
            : HostOffset == 0 ? ExtentKind.Backing
            : ExtentKind.Data;
    }

    /// <summary>Where the bytes of a compressed cluster stand, to the end of their last sector.</summary>
    internal (long Offset, int Length) CompressedRange(int clusterBits)
    {
        int x = 62 - (clusterBits - 8);
        long offset = (long)(Value & ((1UL << x) - 1));
        int sectors = (int)((Value & (Qcow2Layout.Compressed - 1)) >> x) + 1;
        return (offset, (sectors * 512) - (int)(offset & 511));
    }
}
