namespace Bulkhead.Abi.Fuse;

/// <summary>Which attributes are to change.</summary>
/// <remarks><i>Source</i>: Linux, include/uapi/linux/fuse.h, bitmasks for fuse_setattr_in.valid.</remarks>
[Flags]
public enum FuseChange : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Who may do what.</summary>
    Mode = 1 << 0,

    /// <summary>The owner.</summary>
    User = 1 << 1,

    /// <summary>The group.</summary>
    Group = 1 << 2,

    /// <summary>The size.</summary>
    Size = 1 << 3,

    /// <summary>When it was read last.</summary>
    AccessTime = 1 << 4,

    /// <summary>When it was written last.</summary>
    WriteTime = 1 << 5,

    /// <summary>By the handle that is given.</summary>
    Handle = 1 << 6,

    /// <summary>It was read now.</summary>
    AccessNow = 1 << 7,

    /// <summary>It was written now.</summary>
    WriteNow = 1 << 8,

    /// <summary>A program no longer runs with its owner's rights.</summary>
    DropSetIds = 1 << 11,
}
