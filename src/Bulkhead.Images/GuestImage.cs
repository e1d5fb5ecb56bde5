namespace Bulkhead.Images;

/// <summary>A guest image ready to boot: files that stay as they are for as long as the cache exists.</summary>
/// <param name="Recipe">The name of the recipe it was made by.</param>
/// <param name="Version">The version of the kernel's package.</param>
/// <param name="KernelPath">The absolute path of the bzImage.</param>
/// <param name="InitrdPath">The absolute path of the initramfs.</param>
public sealed record GuestImage(string Recipe, string Version, string KernelPath, string InitrdPath);
