namespace Bulkhead.Machine.Boot;

/// <summary>The kernel formats that can be started directly.</summary>
internal enum KernelFormat
{
    /// <summary>A Linux bzImage with a 64-bit entry.</summary>
    BzImage,

    /// <summary>A Linux kernel as it was linked, an ELF64 image that is entered in 64-bit mode.</summary>
    Vmlinux,

    /// <summary>An ELF image with a PVH entry note.</summary>
    Pvh,

    /// <summary>A kernel with a Multiboot header: an ELF image, or any file with the header's address fields.</summary>
    Multiboot,
}
