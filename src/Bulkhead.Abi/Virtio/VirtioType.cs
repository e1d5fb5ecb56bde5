namespace Bulkhead.Abi.Virtio;

/// <summary>What a virtio device is.</summary>
/// <remarks><i>Source</i>: Virtual I/O Device (VIRTIO) Version 1.2, 5 Device Types.</remarks>
public enum VirtioType : ushort
{
    /// <summary>A network card.</summary>
    Net = 1,

    /// <summary>A block device.</summary>
    Block = 2,

    /// <summary>A console.</summary>
    Console = 3,

    /// <summary>A source of entropy.</summary>
    Entropy = 4,

    /// <summary>A memory balloon.</summary>
    Balloon = 5,

    /// <summary>Sockets to the host and to other domains.</summary>
    Vsock = 19,

    /// <summary>A shared file system.</summary>
    FileSystem = 26,
}
