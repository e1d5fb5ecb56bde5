using Bulkhead.Host;

namespace Bulkhead.Images.Disks;

/// <summary>Finds out of the output of a build that failed what the operator can do about it.</summary>
internal static class BuildTrouble
{
    private const int LinesShown = 4;

    // The first that stands anywhere in the output is the cause of what follows it.
    private static readonly (string Sign, string Words)[] s_causes =
    [
        ("No space left on device", "the disk is full: a Debian takes some 2 GiB while it is made; free space where TMPDIR (/tmp) and XDG_CACHE_HOME (~/.cache) are, or point them elsewhere"),
        ("Could not resolve", "the mirror's name does not resolve: check the network and DNS, or name a mirror you reach under disk.sources"),
        ("Temporary failure resolving", "the mirror's name does not resolve: check the network and DNS, or name a mirror you reach under disk.sources"),
        ("Could not connect", "the mirror does not answer: check the network (behind a proxy, set http_proxy), or name a mirror you reach under disk.sources"),
        ("Connection timed out", "the mirror does not answer: check the network (behind a proxy, set http_proxy), or name a mirror you reach under disk.sources"),
        ("does not have a Release file", "the mirror has no such suite: check disk.suite and disk.sources"),
        ("NO_PUBKEY", "the mirror's key is not known here: install debian-archive-keyring (sudo apt-get install debian-archive-keyring)"),
        ("Unable to locate package", "the suite has no package of that name: check kernel and packages"),
        ("has no installation candidate", "the suite has no package of that name: check kernel and packages"),
        ("Hash Sum mismatch", "the mirror is being updated: try again in a few minutes"),
        ("unable to execute newuidmap", "another user than root needs newuidmap: install uidmap (sudo apt-get install uidmap)"),
        ("E: cannot create ", "the folder for temporary files (TMPDIR, else /tmp) must be open to every user: point TMPDIR to one that is"),
        ("Operation not permitted", "the host forbids what the build needs; allow user namespaces, or make the image as root"),
    ];

    /// <summary>The error for the lines a build printed.</summary>
    internal static OperatorException Explain(string recipe, string suite, IReadOnlyList<string> lines)
    {
        string[] complaints = [.. lines.Where(static l => l.StartsWith("E: ", StringComparison.Ordinal) || l.Contains("error", StringComparison.OrdinalIgnoreCase)
            || s_causes.Any(c => l.Contains(c.Sign, StringComparison.Ordinal))).Distinct()];
        string shown = string.Join('\n', (complaints.Length > 0 ? complaints : [.. lines]).TakeLast(LinesShown).Select(static l => "  " + l));
        string cause = s_causes.FirstOrDefault(c => lines.Any(l => l.Contains(c.Sign, StringComparison.Ordinal))).Words
            ?? "its output says why";
        return new OperatorException($"The image '{recipe}' could not be made of {suite}: {cause}.\n{shown}");
    }
}
