using System.Text.Encodings.Web;
using System.Text.Json;
using Bulkhead.Host;
using Bulkhead.Images.Debian;

namespace Bulkhead.Images.Manifests;

/// <summary>What an image is and what it is made of; the last file that is written of it.</summary>
internal sealed record Manifest
{
    /// <summary>The file's name in the image's directory.</summary>
    internal const string FileName = "manifest.json";

    // Versions of packages are full of signs that matter to web pages only.
    private static readonly ManifestJson s_json = new(new JsonSerializerOptions(ManifestJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>The name of the recipe.</summary>
    public required string Recipe { get; init; }

    /// <summary>The version of the kernel's package, marked with those of all packages.</summary>
    public required string Version { get; init; }

    /// <summary>The mark of the recipe and of what else went in.</summary>
    public required string RecipeHash { get; init; }

    /// <summary>The name of the kernel's file.</summary>
    public required string Kernel { get; init; }

    /// <summary>The name of the initramfs.</summary>
    public required string Initrd { get; init; }

    /// <summary>Words the kernel needs on its command line; empty where it needs none.</summary>
    public string Append { get; init; } = string.Empty;

    /// <summary>The disk, or null where it has none.</summary>
    public ManifestDisk? Disk { get; init; }

    /// <summary>The packages it is made of, with their versions.</summary>
    public required IReadOnlyDictionary<string, string> Packages { get; init; }

    internal static IReadOnlyDictionary<string, string> Versions(IEnumerable<DebianPackage> packages)
    {
        var versions = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (DebianPackage package in packages)
        {
            // A package may be there for two architectures, at the same version.
            versions[package.Name] = package.Version;
        }

        return versions;
    }

    /// <summary>Reads the manifest of an image's directory; null where the directory holds no whole image.</summary>
    internal static Manifest? TryRead(string directory)
    {
        string path = Path.Combine(directory, FileName);
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), ManifestJson.Default.Manifest);
        }
        catch (JsonException e)
        {
            throw new OperatorException($"{path}: is not the manifest of an image: {e.Message} Remove the folder and make the image again.", e);
        }
    }

    internal void Write(string directory) =>
        File.WriteAllBytes(Path.Combine(directory, FileName), [.. JsonSerializer.SerializeToUtf8Bytes(this, s_json.Manifest), (byte)'\n']);
}
