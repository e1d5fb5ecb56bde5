namespace Bulkhead.Abi.Virtio;

/// <summary>What is asked of a block device.</summary>
/// <remarks><i>Source</i>: VIRTIO 1.2, 5.2.6 Device Operation.</remarks>
public enum BlockRequestType : uint
{
    /// <summary>Read.</summary>
    Read = 0,

    /// <summary>Write.</summary>
    Write = 1,

    /// <summary>Bring to stable storage what was written.</summary>
    Flush = 4,

    /// <summary>Say the serial number.</summary>
    Identify = 8,

    /// <summary>Give storage back.</summary>
    Discard = 11,

    /// <summary>Make ranges read as zeros.</summary>
    WriteZeroes = 13,
}
