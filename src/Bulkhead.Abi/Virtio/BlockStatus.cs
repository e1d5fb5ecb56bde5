namespace Bulkhead.Abi.Virtio;

/// <summary>How a block device answers.</summary>
public enum BlockStatus : byte
{
    /// <summary>Done.</summary>
    Ok = 0,

    /// <summary>It failed.</summary>
    IoError = 1,

    /// <summary>It does not know the request.</summary>
    Unsupported = 2,
}
