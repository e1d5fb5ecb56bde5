using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Bulkhead.Machine.Tests.Configuration;

/// <summary>Says whether a YAML document keeps a JSON Schema, as far as ours goes; a keyword it does not know is an error.</summary>
/// <remarks><i>Source</i>: JSON Schema 2020-12, Core and Validation; YAML 1.2.2, 10.3 Core Schema, for what a plain value is.</remarks>
internal sealed class SchemaChecker(JsonElement root)
{
    internal bool Accepts(string yaml)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(yaml));
        return Keeps(stream.Documents[0].RootNode, root);
    }

    private bool Keeps(YamlNode node, JsonElement schema)
    {
        bool ok = true;
        foreach (JsonProperty keyword in schema.EnumerateObject())
        {
            ok &= Holds(node, schema, keyword.Name, keyword.Value);
        }

        return ok;
    }

    private bool Holds(YamlNode node, JsonElement schema, string keyword, JsonElement value)
    {
        string text = (node as YamlScalarNode)?.Value ?? string.Empty;
        return keyword switch
        {
            "$schema" or "title" or "description" or "default" or "$defs" => true,
            "$ref" => Keeps(node, root.GetProperty("$defs").GetProperty((value.GetString() ?? string.Empty)["#/$defs/".Length..])),
            "type" => value.ValueKind == JsonValueKind.String ? IsType(node, value.GetString()) : value.EnumerateArray().Any(t => IsType(node, t.GetString())),
            "enum" => value.EnumerateArray().Any(v => v.ValueKind == JsonValueKind.String
                ? IsType(node, "string") && v.GetString() == text
                : node is YamlScalarNode && !IsType(node, "string") && v.GetRawText() == text),
            "pattern" => !IsType(node, "string") || Regex.IsMatch(text, value.GetString() ?? string.Empty),
            "minLength" => !IsType(node, "string") || text.Length >= value.GetInt64(),
            "minimum" => !IsType(node, "number") || decimal.Parse(text, CultureInfo.InvariantCulture) >= value.GetDecimal(),
            "maximum" => !IsType(node, "number") || decimal.Parse(text, CultureInfo.InvariantCulture) <= value.GetDecimal(),
            "minItems" => node is not YamlSequenceNode list || list.Children.Count >= value.GetInt64(),
            "items" => node is not YamlSequenceNode list || list.Children.All(item => Keeps(item, value)),
            "properties" => Fields(node).All(f => !value.TryGetProperty(f.Name, out JsonElement of) || Keeps(f.Value, of)),
            "additionalProperties" when value.ValueKind == JsonValueKind.Object => Fields(node).All(f => Keeps(f.Value, value)),
            "propertyNames" => Fields(node).All(f => Keeps(new YamlScalarNode(f.Name), value)),
            "additionalProperties" => value.GetBoolean() || Fields(node).All(f => schema.GetProperty("properties").TryGetProperty(f.Name, out _)),
            "required" => node is not YamlMappingNode || value.EnumerateArray().All(r => Has(node, r.GetString())),
            "dependentRequired" => value.EnumerateObject().All(d => !Has(node, d.Name) || d.Value.EnumerateArray().All(r => Has(node, r.GetString()))),
            "oneOf" => value.EnumerateArray().Count(s => Keeps(node, s)) == 1,
            "not" => !Keeps(node, value),
            "anyOf" => value.EnumerateArray().Any(s => Keeps(node, s)),
            _ => throw new NotSupportedException(keyword),
        };
    }

    private static IEnumerable<(string Name, YamlNode Value)> Fields(YamlNode node) =>
        node is YamlMappingNode map ? map.Children.Select(static c => (((YamlScalarNode)c.Key).Value ?? string.Empty, c.Value)) : [];

    private static bool Has(YamlNode node, string? field) => Fields(node).Any(f => f.Name == field);

    private static bool IsType(YamlNode node, string? type) => node switch
    {
        YamlMappingNode => type == "object",
        YamlSequenceNode => type == "array",
        YamlScalarNode { Style: ScalarStyle.Plain, Value: { } text } when Regex.IsMatch(text, "^[-+]?[0-9]+$") => type is "integer" or "number",
        YamlScalarNode { Style: ScalarStyle.Plain, Value: { } text } when Regex.IsMatch(text, @"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$") => type == "number",
        YamlScalarNode { Style: ScalarStyle.Plain, Value: "true" or "false" } => type == "boolean",
        YamlScalarNode { Style: ScalarStyle.Plain, Value: "" or "null" or "~" } => type == "null",
        _ => type == "string",
    };
}
