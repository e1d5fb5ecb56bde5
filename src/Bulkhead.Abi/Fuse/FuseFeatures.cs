namespace Bulkhead.Abi.Fuse;

/// <summary>What both sides can do, as they tell each other at the beginning.</summary>
/// <remarks><i>Source</i>: Linux, include/uapi/linux/fuse.h, INIT request/reply flags.</remarks>
[Flags]
public enum FuseFeatures : uint
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Several reads of a file at a time.</summary>
    AsynchronousRead = 1 << 0,

    /// <summary>Opening cuts a file by itself.</summary>
    OpenTruncates = 1 << 3,

    /// <summary>Writes of more than a page.</summary>
    BigWrites = 1 << 5,

    /// <summary>What was read is forgotten when the file's time or size is another.</summary>
    InvalidateData = 1 << 12,

    /// <summary>Folders are listed with what every name leads to.</summary>
    ReadFolderPlus = 1 << 13,

    /// <summary>Only where that seems of use.</summary>
    ReadFolderPlusSeldom = 1 << 14,

    /// <summary>Transfers past the cache, several at a time.</summary>
    AsynchronousDirect = 1 << 15,

    /// <summary>Several operations in a folder at a time.</summary>
    ParallelFolders = 1 << 18,

    /// <summary>The answer says how many pages a request has at most.</summary>
    MaximumPages = 1 << 22,

    /// <summary>Whoever serves takes the rights of a program's owner from it when it is changed, where the request says so.</summary>
    DropsSetIds = 1 << 28,
}
