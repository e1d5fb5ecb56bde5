namespace Bulkhead.Devices.Backends.Disks;

/// <summary>How a disk is laid out in a file.</summary>
public enum DiskFormat : byte
{
    /// <summary>Byte for byte.</summary>
    Raw,

    /// <summary>QEMU's, with backing files and snapshots.</summary>
    Qcow2,

    /// <summary>VMware's.</summary>
    Vmdk,

    /// <summary>VirtualBox's.</summary>
    Vdi,
}
