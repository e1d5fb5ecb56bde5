using System.Globalization;
using System.Text.Json;
using Bulkhead.Core;

namespace Bulkhead.Machine.Configuration.Fields;

/// <summary>Writes field tables as a JSON Schema.</summary>
/// <remarks>
/// The schema cannot say all that the reader checks (ranges of sizes and times, names given twice). It is stricter in one thing: the
/// reader takes any single value for text, so also a quoted number and a name such as <c>true</c>. <i>Source</i>: JSON Schema 2020-12, Core and Validation.
/// </remarks>
internal sealed class SchemaWriter(Utf8JsonWriter json)
{
    /// <summary>The pattern of <see cref="FieldKind.Name"/>.</summary>
    internal const string NamePattern = "^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$";

    /// <summary>Writes the schema of a file whose top is this mapping.</summary>
    internal void Write(FieldTable top, string title)
    {
        json.WriteStartObject();
        json.WriteString("$schema", "https://json-schema.org/draft/2020-12/schema");
        json.WriteString("title", title);
        WriteMapping(top);
        json.WriteStartObject("$defs");
        foreach (FieldTable table in Below(top).Distinct())
        {
            json.WriteStartObject(table.Name);
            WriteMapping(table);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>The tables of the mappings below one.</summary>
    internal static IEnumerable<FieldTable> Below(FieldTable table) => table.Fields
        .Select(static f => f.Fields)
        .OfType<FieldTable>()
        .SelectMany(static t => Below(t).Prepend(t));

    private void WriteMapping(FieldTable table)
    {
        json.WriteString("description", table.What);
        json.WriteString("type", "object");
        json.WriteBoolean("additionalProperties", false);
        if (table.Fields.Any(static f => f.Required))
        {
            WriteWords("required", table.Fields.Where(static f => f.Required).Select(static f => f.Name));
        }

        if (table.ExactlyOne.Count > 0)
        {
            json.WriteStartArray("oneOf");
            foreach ((string name, string? beside) in table.ExactlyOne)
            {
                json.WriteStartObject();
                WriteWords("required", [name]);
                if (beside is not null)
                {
                    json.WriteStartObject("not");
                    WriteWords("required", [beside]);
                    json.WriteEndObject();
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        if (table.Fields.Any(static f => f.With is not null))
        {
            json.WriteStartObject("dependentRequired");
            foreach (ConfigField field in table.Fields.Where(static f => f.With is not null))
            {
                WriteWords(field.Name, [field.With ?? string.Empty]);
            }

            json.WriteEndObject();
        }

        json.WriteStartObject("properties");
        foreach (ConfigField field in table.Fields)
        {
            json.WriteStartObject(field.Name);
            json.WriteString("description", Describe(field));
            WriteKind(field);
            WriteDefault(field);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static string Describe(ConfigField field)
    {
        string range = field.Kind switch
        {
            FieldKind.Number => $"{field.Least} to {field.Most}",
            FieldKind.Size => $"{Quantity.FormatSize((ulong)field.Least)} to {Quantity.FormatSize((ulong)field.Most)}, such as 512M",
            FieldKind.Duration => $"{Quantity.FormatDuration(field.Least)} to {Quantity.FormatDuration(field.Most)}, such as 50ms",
            _ => string.Empty,
        };
        return range.Length == 0 ? $"{field.What}." : $"{field.What}; {range}.";
    }

    private void WriteKind(ConfigField field)
    {
        switch (field.Kind)
        {
            case FieldKind.Text:
                WriteText();
                break;
            case FieldKind.Texts:
                json.WriteStartArray("anyOf");
                json.WriteStartObject();
                WriteText();
                json.WriteEndObject();
                json.WriteStartObject();
                WriteListStart();
                WriteText();
                json.WriteEndObject();
                json.WriteEndObject();
                json.WriteEndArray();
                break;
            case FieldKind.Names:
                WriteListStart();
                WritePattern(NamePattern);
                json.WriteEndObject();
                break;
            case FieldKind.Variables:
                json.WriteString("type", "object");
                json.WriteStartObject("propertyNames");
                json.WriteString("pattern", "^[A-Za-z_][A-Za-z0-9_]*$");
                json.WriteEndObject();
                json.WriteStartObject("additionalProperties");
                WriteWords("type", ["string", "number", "boolean", "null"]);
                json.WriteString("pattern", "^[^\"\\u0000-\\u001f\\u007f-\\u009f]*$");
                json.WriteEndObject();
                break;
            case FieldKind.ChoiceOrMap:
                json.WriteStartArray("anyOf");
                json.WriteStartObject();
                WriteWords("enum", field.Words);
                json.WriteEndObject();
                json.WriteStartObject();
                WriteReference(field);
                json.WriteEndObject();
                json.WriteEndArray();
                break;
            case FieldKind.Name:
                WritePattern(NamePattern);
                break;
            case FieldKind.Choice:
                WriteChoice(field.Words);
                break;
            case FieldKind.Number:
                WriteInteger(field.Least, field.Most);
                break;
            case FieldKind.Size:
                WriteEither(Quantity.SizePattern, field.Least, field.Most);
                break;
            case FieldKind.Duration when field.Least == 0:
                WriteEither(Quantity.DurationPattern, 0, 0);
                break;
            case FieldKind.Duration:
                WritePattern(Quantity.DurationPattern);
                break;
            case FieldKind.Cpus:
                WriteListStart();
                WriteEither("^(last|[0-9]+(-[0-9]+)?)$", 0, field.Most);
                json.WriteEndObject();
                break;
            case FieldKind.Map:
                WriteReference(field);
                break;
            default:
                WriteListStart();
                WriteReference(field);
                json.WriteEndObject();
                break;
        }
    }

    // The reader takes words; what an editor's YAML takes for something else stands there as that too.
    private void WriteChoice(IReadOnlyList<string> words)
    {
        json.WriteStartArray("enum");
        foreach (string word in words)
        {
            json.WriteStringValue(word);
            if (word is "null" or "true" or "false")
            {
                json.WriteRawValue(word);
            }
        }

        json.WriteEndArray();
    }

    // Any single value is text to the reader, also one that YAML takes for a number.
    private void WriteText()
    {
        WriteWords("type", ["string", "number", "boolean"]);
        json.WriteNumber("minLength", 1);
    }

    private void WriteListStart()
    {
        json.WriteString("type", "array");
        json.WriteNumber("minItems", 1);
        json.WriteStartObject("items");
    }

    private void WriteReference(ConfigField field) => json.WriteString("$ref", $"#/$defs/{field.Fields?.Name}");

    private void WriteEither(string pattern, long least, long most)
    {
        json.WriteStartArray("anyOf");
        json.WriteStartObject();
        WritePattern(pattern);
        json.WriteEndObject();
        json.WriteStartObject();
        WriteInteger(least, most);
        json.WriteEndObject();
        json.WriteEndArray();
    }

    private void WritePattern(string pattern)
    {
        json.WriteString("type", "string");
        json.WriteString("pattern", pattern);
    }

    private void WriteInteger(long least, long most)
    {
        json.WriteString("type", "integer");
        json.WriteNumber("minimum", least);
        json.WriteNumber("maximum", most);
    }

    private void WriteDefault(ConfigField field)
    {
        if (field.Default is { } text)
        {
            if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number))
            {
                json.WriteNumber("default", number);
            }
            else
            {
                json.WriteString("default", text);
            }
        }
    }

    private void WriteWords(string name, IEnumerable<string> words)
    {
        json.WriteStartArray(name);
        foreach (string word in words)
        {
            json.WriteStringValue(word);
        }

        json.WriteEndArray();
    }
}
