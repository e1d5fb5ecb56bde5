using System.Globalization;
using System.Text.RegularExpressions;
using Bulkhead.Host;
using Bulkhead.Images.Debian;
using Bulkhead.Images.Recipes;

namespace Bulkhead.Images.Disks;

/// <summary>Has mmdebstrap install a recipe's packages into an archive of files.</summary>
/// <remarks>
/// <i>Errors</i>: <see cref="OperatorException"/> with the cause, as far as mmdebstrap's output tells it, and the log's path.
/// <para><i>Source</i>: mmdebstrap(1).</para>
/// </remarks>
internal sealed partial class Mmdebstrap
{
    private const string MergedUsrHooks = "/usr/share/mmdebstrap/hooks/merged-usr";

    private readonly string _name;
    private readonly IReadOnlyList<string> _packages;
    private readonly DiskRecipe _disk;
    private readonly Action<string> _progress;

    internal Mmdebstrap(Recipe recipe, DiskRecipe disk, Action<string> progress)
    {
        _name = recipe.Name;
        _packages = [recipe.KernelPackage, .. recipe.Packages];
        _disk = disk;
        _progress = progress;
    }

    // What mmdebstrap says it does, and what we call it.
    private static IReadOnlyList<(string Its, string Ours)> Steps { get; } =
    [
        ("running apt-get update", "reading the package lists"),
        ("downloading packages", "downloading the packages"),
        ("extracting archives", "unpacking the packages everything needs"),
        ("installing essential", "installing the packages everything needs"),
        ("installing remaining", "installing the other packages"),
        ("creating tarball", "packing the files"),
    ];

    /// <summary>The packages that would be installed now, the kernel's first.</summary>
    internal IReadOnlyList<DebianPackage> Resolve()
    {
        _progress($"asking which packages {_disk.Suite} offers");
        List<string> lines = Run(["--simulate", "--verbose"], "/dev/null", new Dictionary<string, string>(), static _ => { });
        IReadOnlyList<DebianPackage> packages = ParsePlan(lines);
        return packages.FirstOrDefault(static p => p.Name.StartsWith("linux-image-", StringComparison.Ordinal) && p.Name.Any(char.IsAsciiDigit)) is { } kernel
            ? [kernel, .. packages.Where(p => p != kernel)]
            : throw new OperatorException($"The package {_packages[0]} of recipe {_name} brings no kernel; give kernel a package such as linux-image-cloud-amd64.");
    }

    /// <summary>Installs the packages, adds files, runs the commands, and leaves all of it in an archive.</summary>
    /// <param name="archive">The archive to write.</param>
    /// <param name="files">An archive of files that come on top, before the commands.</param>
    /// <param name="commands">What a shell runs in it.</param>
    /// <param name="epoch">The time that no file is younger than, in seconds since 1970.</param>
    internal void Install(string archive, string files, IReadOnlyList<string> commands, long epoch)
    {
        string script = string.Join('\n', commands);
        string[] hooks =
        [
            .. Directory.Exists(MergedUsrHooks) ? (string[])[$"--hook-directory={MergedUsrHooks}"] : [],
            $"--customize-hook=tar-in {Quote(files)} /",
            $"--customize-hook=chroot \"$1\" /bin/sh -euc {Quote(script)}",
        ];
        var environment = new Dictionary<string, string> { ["SOURCE_DATE_EPOCH"] = epoch.ToString(CultureInfo.InvariantCulture) };
        _ = Run(hooks, archive, environment, line =>
        {
            foreach ((string its, string ours) in Steps)
            {
                if (line.StartsWith("I: " + its, StringComparison.Ordinal))
                {
                    _progress(ours);
                }
            }
        });
    }

    /// <summary>Reads the packages out of what apt says it would do.</summary>
    internal static IReadOnlyList<DebianPackage> ParsePlan(IEnumerable<string> lines) =>
    [
        .. lines.Select(static line => Plan().Match(line)).Where(static m => m.Success)
            .Select(static m => new DebianPackage(m.Groups[1].Value, m.Groups[2].Value, string.Empty))
            .DistinctBy(static p => p.Name).OrderBy(static p => p.Name, StringComparer.Ordinal),
    ];

    /// <summary>A word as a shell reads it back.</summary>
    internal static string Quote(string word) => $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private List<string> Run(IReadOnlyList<string> options, string target, Dictionary<string, string> environment, Action<string> line)
    {
        HostTool.Require("disks are made with", "mmdebstrap");
        RootShell.Require();
        List<string> arguments =
        [
            $"--mode={(Environment.IsPrivilegedProcess ? "root" : "unshare")}", $"--format={(target == "/dev/null" ? "null" : "tar")}", "--variant=minbase", "--architectures=amd64",
            $"--include=usr-is-merged,{string.Join(',', _packages)}", .. options, _disk.Suite, target, .. _disk.Sources,
        ];
        var lines = new List<string>();
        int code = HostTool.Run("mmdebstrap", arguments, directory: null, environment, text =>
        {
            lines.Add(text);
            line(text);
        }, read: null);
        return code == 0 ? lines : throw BuildTrouble.Explain(_name, _disk.Suite, lines);
    }

    // Inst NAME (VERSION ORIGIN [ARCHITECTURE])
    [GeneratedRegex(@"^Inst (\S+) (?:\[\S+\] )?\((\S+) ")]
    private static partial Regex Plan();
}
