using Bulkhead.Host;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
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
        YamlNode? root = ReadYaml(errors, text);
        errors.ThrowIfAny();
        string folder = Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/";
        SystemConfig? system = root is null ? null : new SystemReader(errors, path, folder).Read(root);
        errors.ThrowIfAny();
        return system ?? throw new System.Diagnostics.UnreachableException("No system and no error.");
    }

    private static YamlNode? ReadYaml(ConfigErrors errors, string text)
    {
        const string Accepted = "a system file is one YAML mapping with domains and, if wanted, pools";
        var stream = new YamlStream();
        var parser = new Parser(new StringReader(text));
        try
        {
            if (FindLooseAlias(parser) is { } alias)
            {
                errors.Add(alias.Start, "", $"is not YAML: the alias *{alias.Value} names no value that is complete before it", Accepted);
                return null;
            }

            parser = new Parser(new StringReader(text));
            stream.Load(parser);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            // The library's answer to some broken texts ("{" and a line end; "- : "); it names no place, so: behind
            // what it read last.
            errors.Add(parser.Current?.End ?? new Mark(0, 1, 1), "", "is not YAML: broken off or misplaced here", Accepted);
            return null;
        }
        catch (YamlException e)
        {
            // The parser reports a tab at the start of what it was reading, often lines before.
            if (FindTab(text) is { } tab)
            {
                errors.Add(tab, "", "is not YAML: a tab in the indentation", "YAML indents with spaces only");
            }
            else
            {
                errors.Add(e.Start, "", $"is not YAML: {e.Message.TrimEnd('.')}", Accepted);
            }

            return null;
        }

        if (stream.Documents.Count == 1)
        {
            return stream.Documents[0].RootNode;
        }

        Mark at = stream.Documents.Count == 0 ? new Mark(0, 1, 1) : stream.Documents[1].RootNode.Start;
        errors.Add(at, "", stream.Documents.Count == 0 ? "is empty" : "has a second document", Accepted);
        return null;
    }

    // YAML lets an alias name only what stands before it. The library takes others for later, and may then compare two of them
    // for ever.
    private static AnchorAlias? FindLooseAlias(Parser parser)
    {
        var complete = new HashSet<AnchorName>();
        var open = new Stack<AnchorName>();
        while (parser.MoveNext())
        {
            switch (parser.Current)
            {
                case AnchorAlias alias when !complete.Contains(alias.Value):
                    return alias;
                case DocumentStart:
                    complete.Clear();
                    break;
                case Scalar scalar:
                    _ = complete.Add(scalar.Anchor);
                    break;
                case MappingStart or SequenceStart:
                    AnchorName anchor = ((NodeEvent)parser.Current).Anchor;
                    _ = complete.Remove(anchor);
                    open.Push(anchor);
                    break;
                case MappingEnd or SequenceEnd:
                    _ = complete.Add(open.Pop());
                    break;
                default:
                    break;
            }
        }

        return null;
    }

    private static Mark? FindTab(string text)
    {
        int number = 0;
        foreach (string line in text.Split('\n'))
        {
            number++;
            int indent = line.Length - line.TrimStart(' ', '\t').Length;
            int tab = line.IndexOf('\t', StringComparison.Ordinal);
            if (tab >= 0 && tab < indent)
            {
                return new Mark(0, number, tab + 1);
            }
        }

        return null;
    }
}
