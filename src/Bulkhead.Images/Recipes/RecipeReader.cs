using System.Text.RegularExpressions;
using Bulkhead.Yaml;
using YamlDotNet.RepresentationModel;

namespace Bulkhead.Images.Recipes;

/// <summary>Reads a recipe, as <c>docs/images.md</c> describes it.</summary>
/// <remarks>
/// <i>Errors</i>: an <see cref="Host.OperatorException"/> with exit code 2, one line per error, each
/// <c>FILE:LINE:COL: field.path: what is wrong; what is accepted; did you mean X?</c>.
/// </remarks>
internal sealed partial class RecipeReader
{
    internal const ulong LeastDiskBytes = 1UL << 30;
    internal const ulong MostDiskBytes = 1UL << 41;
    private const ulong DefaultDiskBytes = 4UL << 30;
    private const string PackageForm = "a list of names of Debian packages, as in [rt-tests, libc6]";
    private const string NameForm = "lower-case letters, digits and hyphens, a letter first, at most 32";
    private const string FilesForm = "a mapping of absolute paths to texts";
    private const string SuiteForm = "the code name of a release of Debian, such as bookworm";
    private const string PasswordForm = "a word without colons and spaces";

    private static readonly string[] s_fields = ["kernel", "packages", "programs", "disk"];
    private static readonly string[] s_diskFields = ["suite", "sources", "size", "hostname", "root_password", "bootable", "files", "commands"];

    private readonly ConfigErrors _errors;

    private RecipeReader(ConfigErrors errors) => _errors = errors;

    /// <summary>Reads the text of a recipe.</summary>
    /// <param name="name">The recipe's name.</param>
    /// <param name="file">What errors call the text.</param>
    /// <param name="text">The text.</param>
    internal static Recipe Read(string name, string file, string text)
    {
        var errors = new ConfigErrors(file);
        YamlNode? root = YamlText.Read(errors, text, "a recipe is one YAML mapping with kernel, packages and, if wanted, disk");
        errors.ThrowIfAny();
        Recipe? recipe = root is null ? null : new RecipeReader(errors).Read(root, name, text);
        errors.ThrowIfAny();
        return recipe ?? throw new System.Diagnostics.UnreachableException("No recipe and no error.");
    }

    private Recipe? Read(YamlNode root, string name, string text)
    {
        if (ConfigMap.Open(_errors, root, string.Empty, s_fields) is not { } map)
        {
            return null;
        }

        string? kernel = Required(map, "kernel", "the name of a package, such as linux-image-cloud-amd64");
        if (kernel is not null && !PackageName().IsMatch(kernel))
        {
            map.Error("kernel", $"\"{kernel}\" is not the name of a package", "lower-case letters, digits, +, - and .");
        }

        if (map.Has("programs") && map.Has("disk"))
        {
            map.Error("programs", "does not go with disk", "a disk has what its packages install");
        }

        List<string> packages = Matching(map, "packages", PackageForm, PackageName());
        DiskRecipe? onDisk = map.Find("disk") is { } disk ? ReadDisk(disk) : null;
        if (onDisk is { Bootable: true } && DiskRecipe.LoaderPackages.FirstOrDefault(p => !packages.Contains(p)) is { } missing)
        {
            map.Error("packages", $"lacks {missing}", $"a disk that is bootable needs {string.Join(" and ", DiskRecipe.LoaderPackages)}");
        }

        return new Recipe(name, kernel ?? string.Empty, packages)
        {
            Programs = Matching(map, "programs", "a list of paths in the packages, without usr/, as in [bin/cyclictest]", ProgramPath()),
            Disk = onDisk,
            Text = text,
        };
    }

    private DiskRecipe? ReadDisk(YamlNode node)
    {
        if (ConfigMap.Open(_errors, node, "disk", s_diskFields) is not { } map)
        {
            return null;
        }

        string? suite = Required(map, "suite", SuiteForm);
        if (suite is not null && !Suite().IsMatch(suite))
        {
            map.Error("suite", $"\"{suite}\" is not a suite", SuiteForm);
        }

        string? password = map.Text("root_password", PasswordForm);
        if (password is not null && password.Any(static c => c == ':' || char.IsWhiteSpace(c) || char.IsControl(c)))
        {
            map.Error("root_password", "has a colon or a space", PasswordForm);
        }

        return new DiskRecipe(suite ?? string.Empty, (long)map.Size("size", DefaultDiskBytes, LeastDiskBytes, MostDiskBytes))
        {
            Sources = Texts(map, "sources", "a list of lines of apt's sources.list, or of addresses of mirrors"),
            Hostname = map.Name("hostname", NameForm) ?? "debian",
            RootPassword = password,
            Bootable = map.Switch("bootable", false),
            Files = Files(map),
            Commands = Texts(map, "commands", "a list of lines for a shell"),
        };
    }

    private static string? Required(ConfigMap map, string field, string accepted)
    {
        map.Require(field, accepted);
        return map.Text(field, accepted);
    }

    private List<string> Texts(ConfigMap map, string field, string accepted) =>
        [.. map.List(field, accepted).Select(item => Text(item.Node, item.Path, accepted))];

    private List<string> Matching(ConfigMap map, string field, string accepted, Regex form)
    {
        var texts = new List<string>();
        foreach ((YamlNode node, string path) in map.List(field, accepted))
        {
            string text = Text(node, path, accepted);
            if (text.Length > 0 && !form.IsMatch(text))
            {
                _errors.Add(node.Start, path, $"\"{text}\" does not fit", accepted);
            }

            texts.Add(text);
        }

        return texts;
    }

    private string Text(YamlNode node, string path, string accepted)
    {
        if (node is YamlScalarNode { Value.Length: > 0 } scalar)
        {
            return scalar.Value;
        }

        _errors.Add(node.Start, path, "is not a text", accepted);
        return string.Empty;
    }

    private List<(string Path, string Content)> Files(ConfigMap map)
    {
        var files = new List<(string Path, string Content)>();
        if (map.Find("files") is not { } node)
        {
            return files;
        }

        if (node is not YamlMappingNode mapping)
        {
            map.Error("files", "is not a mapping", FilesForm);
            return files;
        }

        foreach ((YamlNode key, YamlNode value) in mapping.Children)
        {
            string path = (key as YamlScalarNode)?.Value ?? string.Empty;
            if (!FilePath().IsMatch(path) || path.Split('/').Any(static part => part is "." or ".."))
            {
                _errors.Add(key.Start, "disk.files", $"\"{path}\" is not a path", "an absolute path without . and ..");
            }
            else if (value is not YamlScalarNode { Value: { } content })
            {
                _errors.Add(value.Start, $"disk.files.{path}", "is not a text", FilesForm);
            }
            else
            {
                files.Add((path, content));
            }
        }

        return files;
    }

    // Debian Policy 5.6.1 "Source" and 5.6.7 "Package".
    [GeneratedRegex("^[a-z0-9][a-z0-9+.-]+\\z")]
    private static partial Regex PackageName();

    [GeneratedRegex("^[a-z0-9][a-z0-9.+-]*(/[A-Za-z0-9._+-]+)+\\z")]
    private static partial Regex ProgramPath();

    [GeneratedRegex("^[a-z][a-z0-9-]*\\z")]
    private static partial Regex Suite();

    [GeneratedRegex("^(/[^/\0]+)+\\z")]
    private static partial Regex FilePath();
}
