namespace Bulkhead.Machine.Boot;

/// <summary>The kernel formats that can be started directly.</summary>
internal enum KernelFormat
{
    /// <summary>A Linux bzImage with a 64-bit entry.</summary>
    BzImage,

    /// <summary>An ELF64 image with a PVH entry note.</summary>
    Pvh,
}
