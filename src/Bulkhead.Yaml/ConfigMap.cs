using System.Globalization;
using Bulkhead.Core;
using Bulkhead.Host;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Bulkhead.Yaml;

/// <summary>One mapping of the file: reads its fields, noting what is wrong and going on with the default.</summary>
internal sealed class ConfigMap
{
    /// <summary>The words of a truth.</summary>
    public static readonly string[] Switches = ["true", "false"];

    private readonly ConfigErrors _errors;
    private readonly YamlMappingNode _node;
    private readonly string _path;

    private ConfigMap(ConfigErrors errors, YamlMappingNode node, string path)
    {
        _errors = errors;
        _node = node;
        _path = path;
    }

    public Mark Start => _node.Start;

    /// <summary>Takes the node as a mapping of the known fields, or notes why it is none.</summary>
    public static ConfigMap? Open(ConfigErrors errors, YamlNode node, string path, params string[] known)
    {
        string fields = $"fields are {string.Join(", ", known)}";
        if (node is not YamlMappingNode mapping)
        {
            errors.Add(node.Start, path, "is not a mapping of fields", fields);
            return null;
        }

        foreach (YamlNode key in mapping.Children.Keys)
        {
            string? name = (key as YamlScalarNode)?.Value;
            if (name is null || !known.Contains(name))
            {
                string shown = name ?? "?";
                errors.Add(key.Start, Join(path, shown), "is not a field", fields, NearestName.Find(shown, known));
            }
        }

        return new ConfigMap(errors, mapping, path);
    }

    public bool Has(string field) => Find(field) is not null;

    public YamlNode? Find(string field)
    {
        foreach ((YamlNode key, YamlNode value) in _node.Children)
        {
            if (key is YamlScalarNode scalar && scalar.Value == field)
            {
                return value;
            }
        }

        return null;
    }

    /// <summary>Notes an error at a field's value, or at the mapping where the field is absent.</summary>
    public void Error(string field, string problem, string accepted, string? meant = null) =>
        _errors.Add(Find(field)?.Start ?? _node.Start, Join(_path, field), problem, accepted, meant);

    /// <summary>Notes a field that is not there.</summary>
    public void Require(string field, string accepted)
    {
        if (!Has(field))
        {
            Error(field, "is missing", accepted);
        }
    }

    /// <summary>The field as non-empty text, or null where it is absent or wrong.</summary>
    public string? Text(string field, string accepted)
    {
        YamlNode? node = Find(field);
        if (node is null)
        {
            return null;
        }

        if (node is YamlScalarNode { Value.Length: > 0 } scalar)
        {
            return scalar.Value;
        }

        Error(field, node is YamlScalarNode ? "is empty" : "is not a single value", accepted);
        return null;
    }

    public string? Name(string field, string accepted)
    {
        string? text = Text(field, accepted);
        if (text is null || IsName(text))
        {
            return text;
        }

        Error(field, $"\"{text}\" is not a name", accepted);
        return null;
    }

    /// <summary>The field as a truth, or what it is where it is absent or wrong.</summary>
    public bool Switch(string field, bool fallback) => Choice(field, Switches) is { } word ? word == Switches[0] : fallback;

    public string? Choice(string field, string[] choices)
    {
        string accepted = $"one of {string.Join(", ", choices)}";
        string? text = Text(field, accepted);
        if (text is null || choices.Contains(text))
        {
            return text;
        }

        Error(field, $"\"{text}\" is not known", accepted, NearestName.Find(text, choices));
        return null;
    }

    public int Number(string field, int fallback, int least, int most)
    {
        string accepted = $"a whole number from {least} to {most}";
        string? text = Text(field, accepted);
        if (text is null)
        {
            return fallback;
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value)
            && value >= least && value <= most)
        {
            return value;
        }

        Error(field, $"\"{text}\" does not fit", accepted);
        return fallback;
    }

    public ulong Size(string field, ulong fallback, ulong least, ulong most)
    {
        string range = $"from {Quantity.FormatSize(least)} to {Quantity.FormatSize(most)}";
        string? text = Text(field, $"{Quantity.SizeForm}, {range}");
        if (text is null)
        {
            return fallback;
        }

        if (!Quantity.TryParseSize(text, out ulong value))
        {
            Error(field, $"\"{text}\" is not a size", $"{Quantity.SizeForm}, {range}", UnitGuess.Size(text));
            return fallback;
        }

        if (value < least || value > most)
        {
            Error(field, $"\"{text}\" is too {(value < least ? "small" : "large")}", $"{Quantity.SizeForm}, {range}", UnitGuess.Size(text));
            return fallback;
        }

        return value;
    }

    public long Duration(string field, long fallback, long least, long most)
    {
        string accepted =
            $"{Quantity.DurationForm}, from {Quantity.FormatDuration(least)} to {Quantity.FormatDuration(most)}";
        string? text = Text(field, accepted);
        if (text is null)
        {
            return fallback;
        }

        if (!Quantity.TryParseDuration(text, out long value))
        {
            Error(field, $"\"{text}\" is not a time", accepted, UnitGuess.Duration(text));
            return fallback;
        }

        if (value < least || value > most)
        {
            Error(field, $"\"{text}\" is too {(value < least ? "short" : "long")}", accepted);
            return fallback;
        }

        return value;
    }

    /// <summary>The field as a non-empty list, or nothing where it is absent or wrong.</summary>
    public IEnumerable<(YamlNode Node, string Path)> List(string field, string accepted)
    {
        YamlNode? node = Find(field);
        if (node is YamlSequenceNode { Children.Count: > 0 } list)
        {
            return list.Children.Select((item, i) => (item, $"{Join(_path, field)}[{i}]"));
        }

        if (node is not null)
        {
            Error(field, node is YamlSequenceNode ? "is empty" : "is not a list", accepted);
        }

        return [];
    }

    private static string Join(string path, string field) => path.Length == 0 ? field : $"{path}.{field}";

    private static bool IsName(string text)
    {
        bool ok = text.Length <= 32 && char.IsAsciiLetterLower(text[0]) && text[^1] != '-';
        foreach (char c in text)
        {
            ok &= char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-';
        }

        return ok;
    }
}
