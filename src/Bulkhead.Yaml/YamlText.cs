using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace Bulkhead.Yaml;

/// <summary>Reads a file that an operator wrote as YAML, up to its nodes.</summary>
internal static class YamlText
{
    private const int MostLevels = 64;

    /// <summary>The one document of a text; null where it is none, which is then noted with what is <paramref name="accepted"/>.</summary>
    public static YamlNode? Read(ConfigErrors errors, string text, string accepted)
    {
        var stream = new YamlStream();
        var parser = new Parser(new StringReader(text));
        try
        {
            if (FindFault(parser) is var (place, fault))
            {
                errors.Add(place, "", fault, accepted);
                return null;
            }

            parser = new Parser(new StringReader(text));
            stream.Load(parser);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            // The library's answer to some broken texts ("{" and a line end; "- : "); it names no place, so: behind
            // what it read last.
            errors.Add(parser.Current?.End ?? new Mark(0, 1, 1), "", "is not YAML: broken off or misplaced here", accepted);
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
                errors.Add(e.Start, "", $"is not YAML: {e.Message.TrimEnd('.')}", accepted);
            }

            return null;
        }

        if (stream.Documents.Count == 1)
        {
            return stream.Documents[0].RootNode;
        }

        Mark at = stream.Documents.Count == 0 ? new Mark(0, 1, 1) : stream.Documents[1].RootNode.Start;
        errors.Add(at, "", stream.Documents.Count == 0 ? "is empty" : "has a second document", accepted);
        return null;
    }

    // YAML lets an alias name only what stands before it. The library takes others for later, and may then compare two of them
    // for ever. What nests deeply it reads the more slowly the deeper it is.
    private static (Mark At, string Fault)? FindFault(Parser parser)
    {
        var complete = new HashSet<AnchorName>();
        var open = new Stack<AnchorName>();
        while (parser.MoveNext())
        {
            switch (parser.Current)
            {
                case AnchorAlias alias when !complete.Contains(alias.Value):
                    return (alias.Start, $"is not YAML: the alias *{alias.Value} names no value that is complete before it");
                case MappingStart or SequenceStart when open.Count == MostLevels:
                    return (parser.Current.Start, $"nests more than {MostLevels} lists and mappings");
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
