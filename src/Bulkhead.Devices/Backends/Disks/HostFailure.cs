using Bulkhead.Host;

namespace Bulkhead.Devices.Backends.Disks;

/// <summary>The host failed at a file that a disk is made of.</summary>
/// <param name="File">The path of the file.</param>
/// <param name="What">What it could not do, in words that follow the path.</param>
/// <param name="Error">The error number.</param>
public readonly record struct HostFailure(string File, string What, int Error)
{
    /// <summary>The same with what the host said, and what to do about it.</summary>
    public string Words => $"{What}: {HostRefusal.Words(Error)}";
}
