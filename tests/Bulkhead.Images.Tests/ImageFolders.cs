using Bulkhead.Images.Manifests;

namespace Bulkhead.Images.Tests;

/// <summary>Makes folders that pass for images.</summary>
internal static class ImageFolders
{
    /// <summary>An image with a disk of zeros but for its first byte, or without one.</summary>
    internal static string Make(string folder, string recipe, string version, long diskBytes)
    {
        _ = Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "vmlinuz"), "k");
        File.WriteAllText(Path.Combine(folder, "initrd.img"), "i");
        if (diskBytes > 0)
        {
            using FileStream disk = File.Create(Path.Combine(folder, "disk.img"));
            disk.WriteByte(1);
            disk.SetLength(diskBytes);
        }

        new Manifest
        {
            Recipe = recipe,
            Version = version,
            RecipeHash = "000000000000",
            Kernel = "vmlinuz",
            Initrd = "initrd.img",
            Append = diskBytes > 0 ? "root=/dev/vda1 ro" : string.Empty,
            Disk = diskBytes > 0 ? new ManifestDisk("disk.img", "raw", diskBytes, "bookworm", "85228561-b8f4-84aa-b5ba-23dfc11cc58c") : null,
            Packages = new Dictionary<string, string> { ["libc6"] = "2.36-9+deb12u14" },
        }.Write(folder);
        return folder;
    }
}
