namespace Bulkhead.Host.Files.Trees;

/// <summary>What a file is, as the mode says: its topmost bits.</summary>
public enum FileKind : ushort
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>A pipe with a name.</summary>
    Pipe = 0x1000,

    /// <summary>A device of characters.</summary>
    CharacterDevice = 0x2000,

    /// <summary>A folder.</summary>
    Folder = 0x4000,

    /// <summary>A device of blocks.</summary>
    BlockDevice = 0x6000,

    /// <summary>A regular file.</summary>
    Regular = 0x8000,

    /// <summary>A symbolic link.</summary>
    SymbolicLink = 0xa000,

    /// <summary>A socket.</summary>
    Socket = 0xc000,
}
