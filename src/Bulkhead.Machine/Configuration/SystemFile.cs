using Bulkhead.Host;
using Bulkhead.Yaml;
using YamlDotNet.RepresentationModel;

namespace Bulkhead.Machine.Configuration;

/// <summary>Reads the system file: the one description of pools and domains that <c>up</c> starts.</summary>
/// <remarks>
/// <i>Shape</i>: YAML, described in <c>docs/system-file.md</c>. <i>Errors</i>: <see cref="OperatorException"/> with exit
/// code 2, one line per error, each <c>FILE:LINE:COL: field.path: what is wrong; what is accepted; did you mean X?</c>.
/// Unknown fields are errors. Whether CPUs exist is found out when the system is built.
/// </remarks>
public static class SystemFile
{
    /// <summary>The guest RAM of a domain that names none: 256 MiB.</summary>
    public const ulong DefaultMemoryBytes = 256UL << 20;

    /// <summary>The least guest RAM of a domain.</summary>
    public const ulong MinMemoryBytes = 16UL << 20;

    /// <summary>The most.</summary>
    public const ulong MaxMemoryBytes = 1UL << 40;

    /// <summary>The most vCPUs of a domain.</summary>
    public const int MaxVcpus = 64;

    /// <summary>The context-switch allowance of a pool that names none: 1 ms.</summary>
    public const long DefaultAllowanceNs = 1_000_000;

    /// <summary>The shortest budget, period, window and major frame: 100 us.</summary>
    public const long MinBudgetNs = 100_000;

    /// <summary>How long an idle CPU of a pool that names no time spins before it sleeps: 30 us.</summary>
    public const long DefaultSpinNs = 30_000;

    /// <summary>The name of the pool of a system that names none.</summary>
    public const string DefaultPool = "default";

    /// <summary>Reads and checks a system file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="images">Where the system is to run on this host, the names of the guest images there are: then what the file names of the
    /// host must be there as well.</param>
    public static SystemConfig Load(string path, IReadOnlyList<string>? images = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new OperatorException($"{path}: cannot be read: {e.Message}", 2);
        }

        return Parse(path, text, images);
    }

    internal static SystemConfig Parse(string path, string text, IReadOnlyList<string>? images = null)
    {
        var errors = new ConfigErrors(path);
        YamlNode? root = YamlText.Read(errors, text, "a system file is one YAML mapping with domains and, if wanted, pools");
        errors.ThrowIfAny();
        string folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/";
        SystemConfig? system = root is null ? null : new SystemReader(errors, path, new HostReader(folder, images)).Read(root);
        errors.ThrowIfAny();
        return system ?? throw new System.Diagnostics.UnreachableException("No system and no error.");
    }
}
