namespace Bulkhead.Devices.Backends.Disks.Opening;

/// <summary>How a disk is opened.</summary>
public sealed record class DiskOptions
{
    /// <summary>The format, or null for what the file looks like.</summary>
    public DiskFormat? Format { get; init; }

    /// <summary>Whether it may be read only.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>What stands between the disk and the host's storage.</summary>
    public DiskCache Cache { get; init; }

    /// <summary>Whether what is written goes to a temporary file and is gone with the disk; the image stays as it is.</summary>
    public bool Overlay { get; init; }

    /// <summary>The folder of the temporary file; null for the host's folder of such files.</summary>
    public string? OverlayFolder { get; init; }

    /// <summary>The name or number of a snapshot inside a qcow2 image, to be read in place of its present state; null for that.</summary>
    public string? Snapshot { get; init; }

    /// <summary>Is told whenever the host fails at a file the disk is made of, on the thread of the request.</summary>
    public Action<HostFailure>? Failed { get; init; }

    /// <summary>Whether others are kept from writing it meanwhile.</summary>
    internal bool Locked { get; init; } = true;
}
