namespace Bulkhead.Devices.Backends.Disks.Qcow2;

/// <summary>Numbers of the qcow2 format, and our bounds on what an image may ask for.</summary>
/// <remarks>
/// All numbers of the format are big-endian.
/// <para><i>Source</i>: QEMU, docs/interop/qcow2.txt.</para>
/// </remarks>
internal static class Qcow2Layout
{
    internal const uint Magic = 0x514649fb;

    internal const int HeaderBytesV2 = 72;
    internal const int HeaderBytesV3 = 104;
    internal const int HeaderBytes = 112;

    internal const ulong Dirty = 1;
    internal const ulong Corrupt = 2;
    internal const ulong ExternalData = 4;
    internal const ulong CompressionType = 8;
    internal const ulong ExtendedL2 = 16;
    internal const ulong LazyRefcounts = 1;
    internal const ulong Bitmaps = 1;

    internal const uint BackingFormatExtension = 0xe2792aca;
    internal const uint FeatureNamesExtension = 0x6803f857;
    internal const uint BitmapsExtension = 0x23852875;

    internal const ulong Copied = 1UL << 63;
    internal const ulong Compressed = 1UL << 62;
    internal const ulong Zero = 1;
    internal const ulong OffsetMask = 0x00ff_ffff_ffff_fe00;
    internal const ulong CountTableMask = 0xffff_ffff_ffff_fe00;

    internal const int MinClusterBits = 9;
    internal const int MaxClusterBits = 21;
    internal const int DefaultClusterBits = 16;
    internal const int MaxNameBytes = 1023;
    internal const int MaxL1Bytes = 32 << 20;
    internal const int MaxCountTableBytes = 8 << 20;
    internal const int MaxSnapshots = 4096;
    internal const int MaxSnapshotBytes = 64 << 10;
}
