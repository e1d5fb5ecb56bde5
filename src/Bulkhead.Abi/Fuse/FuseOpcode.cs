namespace Bulkhead.Abi.Fuse;

/// <summary>What a guest asks of a file system that is served elsewhere.</summary>
/// <remarks><i>Source</i>: Linux, include/uapi/linux/fuse.h, version 7.31 and what was added to it since.</remarks>
public enum FuseOpcode : uint
{
    /// <summary>Finds a name in a folder.</summary>
    Lookup = 1,

    /// <summary>Gives a node back; there is no answer.</summary>
    Forget = 2,

    /// <summary>Reads attributes.</summary>
    GetAttributes = 3,

    /// <summary>Changes attributes.</summary>
    SetAttributes = 4,

    /// <summary>Reads where a symbolic link leads.</summary>
    ReadLink = 5,

    /// <summary>Makes a symbolic link.</summary>
    MakeSymbolicLink = 6,

    /// <summary>Makes a file that is no folder.</summary>
    MakeNode = 8,

    /// <summary>Makes a folder.</summary>
    MakeFolder = 9,

    /// <summary>Removes a name.</summary>
    Unlink = 10,

    /// <summary>Removes an empty folder.</summary>
    RemoveFolder = 11,

    /// <summary>Gives another name.</summary>
    Rename = 12,

    /// <summary>Gives one more name.</summary>
    Link = 13,

    /// <summary>Opens a file.</summary>
    Open = 14,

    /// <summary>Reads a file.</summary>
    Read = 15,

    /// <summary>Writes a file.</summary>
    Write = 16,

    /// <summary>How much room there is.</summary>
    Statistics = 17,

    /// <summary>Closes a file.</summary>
    Release = 18,

    /// <summary>Brings a file to stable storage.</summary>
    Sync = 20,

    /// <summary>Sets an extended attribute.</summary>
    SetExtended = 21,

    /// <summary>Reads an extended attribute.</summary>
    GetExtended = 22,

    /// <summary>Lists extended attributes.</summary>
    ListExtended = 23,

    /// <summary>Removes an extended attribute.</summary>
    RemoveExtended = 24,

    /// <summary>A descriptor of a file was closed.</summary>
    Flush = 25,

    /// <summary>Begins.</summary>
    Initialize = 26,

    /// <summary>Opens a folder.</summary>
    OpenFolder = 27,

    /// <summary>Lists a folder.</summary>
    ReadFolder = 28,

    /// <summary>Closes a folder.</summary>
    ReleaseFolder = 29,

    /// <summary>Brings a folder to stable storage.</summary>
    SyncFolder = 30,

    /// <summary>Asks what may be done.</summary>
    Access = 34,

    /// <summary>Makes a file and opens it.</summary>
    Create = 35,

    /// <summary>Asks to give a request up; there is no answer.</summary>
    Interrupt = 36,

    /// <summary>Ends.</summary>
    Destroy = 38,

    /// <summary>Gives several nodes back; there is no answer.</summary>
    BatchForget = 42,

    /// <summary>Takes storage, or gives it back.</summary>
    Allocate = 43,

    /// <summary>Lists a folder, and finds every name in it.</summary>
    ReadFolderPlus = 44,

    /// <summary>Gives another name, by flags.</summary>
    Rename2 = 45,

    /// <summary>Finds data or a hole.</summary>
    Seek = 46,

    /// <summary>Copies from file to file.</summary>
    CopyRange = 47,

    /// <summary>Brings everything to stable storage.</summary>
    SyncAll = 50,
}
