using Bulkhead.Host;
using Bulkhead.Host.Files;
using Bulkhead.Images.Manifests;

namespace Bulkhead.Images;

/// <summary>The files of an image in a directory, told by its manifest.</summary>
internal static class ImageFiles
{
    private const string PartSuffix = ".part";

    /// <summary>The image in a directory; null where it holds no whole one.</summary>
    internal static GuestImage? Find(string directory, bool isPrivate)
    {
        if (Manifest.TryRead(directory) is not { } manifest || !Names(manifest).All(name => File.Exists(Path.Combine(directory, name))))
        {
            return null;
        }

        string folder = Path.GetFullPath(directory);
        return new GuestImage(manifest.Recipe, manifest.Version, Path.Combine(folder, manifest.Kernel), Path.Combine(folder, manifest.Initrd))
        {
            Append = manifest.Append,
            DiskPath = manifest.Disk is { } disk ? Path.Combine(folder, disk.File) : null,
            IsPrivate = isPrivate,
            SshKeyPaths = [.. (manifest.Disk?.SshKeys ?? []).Select(PrivateKey).Where(File.Exists)],
        };
    }

    /// <summary>Copies an image into a directory, over one that is there; holes stay holes.</summary>
    internal static void Copy(GuestImage image, string to)
    {
        string from = Path.GetDirectoryName(image.KernelPath) ?? "/";
        Manifest manifest = Manifest.TryRead(from) ?? throw new OperatorException($"{from} holds no image any more; make it again.");
        _ = Directory.CreateDirectory(to);

        // Without its manifest a half copied image is none.
        File.Delete(Path.Combine(to, Manifest.FileName));
        foreach (string name in (string[])[.. Names(manifest), Manifest.FileName])
        {
            string part = Path.Combine(to, name + PartSuffix);
            File.Delete(part);
            SparseFile.Copy(Path.Combine(from, name), part);
            HostFile.Rename(part, Path.Combine(to, name));
        }
    }

    private static string[] Names(Manifest manifest) => [manifest.Kernel, manifest.Initrd, .. manifest.Disk is { } disk ? (string[])[disk.File] : []];

    private static string PrivateKey(string path) => path.EndsWith(".pub", StringComparison.Ordinal) ? path[..^".pub".Length] : path;
}
