using Bulkhead.Host;

namespace Bulkhead.Images.Debian;

/// <summary>The package archive the host's apt is set up for.</summary>
/// <remarks>Downloads work for any user; only refreshing the lists needs root.</remarks>
internal sealed class AptArchive
{
    private readonly Action<string> _progress;
    private bool _refreshed;

    internal AptArchive(Action<string> progress) => _progress = progress;

    /// <summary>Finds the version of a package the archive offers now.</summary>
    /// <param name="name">The package's name.</param>
    /// <param name="refresh">Refresh the package lists first, if this object has not done so.</param>
    internal DebianPackage Find(string name, bool refresh)
    {
        if (refresh)
        {
            Refresh(required: false);
        }

        return Show(name) ?? ShowAfterRefresh(name);
    }

    /// <summary>Downloads packages at exactly their versions and returns the paths, in the order asked for.</summary>
    internal IReadOnlyList<string> Download(IReadOnlyList<DebianPackage> packages, string directory)
    {
        _progress($"downloading {string.Join(", ", packages.Select(p => $"{p.Name} {p.Version}"))}");
        List<string> arguments = ["-q", "download", .. packages.Select(p => $"{p.Name}={p.Version}")];
        if (Environment.IsPrivilegedProcess)
        {
            // apt would drop to a user who cannot write here, and then complain about it.
            arguments.InsertRange(0, ["-o", "APT::Sandbox::User=root"]);
        }

        if (!HostTool.TryRun("apt-get", arguments, directory, out _, out string error))
        {
            string fix = error.Contains("No space left on device", StringComparison.Ordinal)
                ? $"Free space where {directory} is, or set XDG_CACHE_HOME to a folder that has some."
                : "Check the network, or run 'apt-get update' as root and try again.";
            throw new OperatorException($"apt-get could not download the packages: {error} {fix}");
        }

        var paths = new List<string>();
        foreach (DebianPackage package in packages)
        {
            string[] found = Directory.GetFiles(directory, package.Name + "_*.deb");
            if (found.Length != 1)
            {
                throw new OperatorException($"apt-get downloaded no package file for {package.Name} {package.Version}.");
            }

            paths.Add(found[0]);
        }

        return paths;
    }

    private DebianPackage ShowAfterRefresh(string name)
    {
        Refresh(required: true);
        return Show(name) ?? throw new OperatorException(
            $"apt knows no package '{name}'. The images need Debian's archive for amd64 among the sources of apt; else pass --kernel and --initrd.");
    }

    private static DebianPackage? Show(string name) =>
        HostTool.TryRun("apt-cache", ["show", "--no-all-versions", name], null, out string output, out _) ? DebianPackage.Parse(output) : null;

    private void Refresh(bool required)
    {
        if (_refreshed)
        {
            return;
        }

        if (!Environment.IsPrivilegedProcess)
        {
            if (required)
            {
                throw new OperatorException("The package lists are missing or old, and refreshing them needs root: run 'sudo apt-get update' and try again.");
            }

            _progress("package lists are used as they are; refreshing them needs root ('sudo apt-get update')");
            return;
        }

        _progress("refreshing the package lists");
        if (!HostTool.TryRun("apt-get", ["-q", "update"], null, out _, out string error))
        {
            throw new OperatorException($"apt-get update failed: {error} Check the network and the sources of apt.");
        }

        _refreshed = true;
    }
}
