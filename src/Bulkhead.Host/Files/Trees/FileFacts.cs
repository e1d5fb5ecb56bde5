using System.Runtime.InteropServices;

namespace Bulkhead.Host.Files.Trees;

/// <summary>What there is to know of a file; struct statx.</summary>
/// <remarks><i>Source</i>: Linux, include/uapi/linux/stat.h.</remarks>
[StructLayout(LayoutKind.Explicit, Size = 256)]
public readonly struct FileFacts
{
    [FieldOffset(8)]
    private readonly ulong _attributes;

    [FieldOffset(28)]
    private readonly ushort _mode;

    [FieldOffset(64)]
    private readonly long _accessSeconds;

    [FieldOffset(72)]
    private readonly uint _accessNs;

    [FieldOffset(96)]
    private readonly long _changeSeconds;

    [FieldOffset(104)]
    private readonly uint _changeNs;

    [FieldOffset(112)]
    private readonly long _writeSeconds;

    [FieldOffset(120)]
    private readonly uint _writeNs;

    [FieldOffset(128)]
    private readonly uint _deviceMajor;

    [FieldOffset(132)]
    private readonly uint _deviceMinor;

    [FieldOffset(136)]
    private readonly uint _volumeMajor;

    [FieldOffset(140)]
    private readonly uint _volumeMinor;

    /// <summary>The unit in which it is best read.</summary>
    [field: FieldOffset(4)]
    public uint BlockBytes { get; }

    /// <summary>How many names it has.</summary>
    [field: FieldOffset(16)]
    public uint Links { get; }

    /// <summary>Its owner.</summary>
    [field: FieldOffset(20)]
    public uint User { get; }

    /// <summary>Its group.</summary>
    [field: FieldOffset(24)]
    public uint Group { get; }

    /// <summary>Its number in its file system.</summary>
    [field: FieldOffset(32)]
    public ulong Inode { get; }

    /// <summary>Its size in bytes.</summary>
    [field: FieldOffset(40)]
    public ulong SizeBytes { get; }

    /// <summary>The storage it takes, in units of 512 bytes.</summary>
    [field: FieldOffset(48)]
    public ulong Blocks512 { get; }

    /// <summary>Kind and rights.</summary>
    public uint Mode => _mode;

    /// <summary>What it is.</summary>
    public FileKind Kind => (FileKind)(_mode & 0xf000);

    /// <summary>When it was read last.</summary>
    public FileMoment AccessTime => new(_accessSeconds, _accessNs);

    /// <summary>When its contents changed last.</summary>
    public FileMoment WriteTime => new(_writeSeconds, _writeNs);

    /// <summary>When anything of it changed last.</summary>
    public FileMoment ChangeTime => new(_changeSeconds, _changeNs);

    /// <summary>The number of the device that it stands for, in 32 bits as Linux packs them.</summary>
    public uint Device => (_deviceMinor & 0xff) | (_deviceMajor << 8) | ((_deviceMinor & ~0xffu) << 12);

    /// <summary>Its file system's number.</summary>
    public ulong Volume => ((ulong)_volumeMajor << 32) | _volumeMinor;

    /// <summary>Whether another file system is mounted here.</summary>
    public bool IsMountRoot => (_attributes & TreeCalls.StatMountRoot) != 0;
}
