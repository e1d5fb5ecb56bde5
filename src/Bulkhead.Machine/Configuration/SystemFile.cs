using Bulkhead.Host;
using Bulkhead.Yaml;
using YamlDotNet.RepresentationModel;

namespace Bulkhead.Machine.Configuration;

/// <summary>Reads the system file: the one description of pools and domains that <c>up</c> starts.</summary>
/// <remarks>
/// <i>Shape</i>: YAML, described in <c>docs/system-file.md</c>. <i>Errors</i>: <see cref="OperatorException"/> with exit
/// code 2, one line per error, each <c>FILE:LINE:COL: field.path: what is wrong; what is accepted; did you mean X?</c>.
/// Unknown fields are errors. Whether images, kernels and CPUs exist is found out when the system is built.
/// </remarks>
public static class SystemFile
{
    /// <summary>The guest RAM of a domain that names none: 256 MiB.</summary>
    public const ulong DefaultMemoryBytes = 256UL << 20;

    /// <summary>The context-switch allowance of a pool that names none: 1 ms.</summary>
    public const long DefaultAllowanceNs = 1_000_000;

    /// <summary>The shortest budget, period, window and major frame: 100 us.</summary>
    public const long MinBudgetNs = 100_000;

    /// <summary>How long an idle CPU of a pool that names no time spins before it sleeps: 30 us.</summary>
    public const long DefaultSpinNs = 30_000;

    /// <summary>The name of the pool of a system that names none.</summary>
    public const string DefaultPool = "default";

    /// <summary>Reads and checks a system file.</summary>
    public static SystemConfig Load(string path)
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

        return Parse(path, text);
    }

    internal static SystemConfig Parse(string path, string text)
    {
        var errors = new ConfigErrors(path);
        YamlNode? root = YamlText.Read(errors, text, "a system file is one YAML mapping with domains and, if wanted, pools");
        errors.ThrowIfAny();
        string folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/";
        SystemConfig? system = root is null ? null : new SystemReader(errors, path, folder).Read(root);
        errors.ThrowIfAny();
        return system ?? throw new System.Diagnostics.UnreachableException("No system and no error.");
    }
}
