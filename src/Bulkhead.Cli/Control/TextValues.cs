using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Bulkhead.Cli.Control;

/// <summary>A mapping of names to texts; a number is its own text.</summary>
internal sealed class TextValues : JsonConverter<IReadOnlyDictionary<string, string>>
{
    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, string> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var values = new Dictionary<string, string>();
        bool ok = reader.TokenType == JsonTokenType.StartObject;
        while (ok && reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            string name = reader.GetString() ?? string.Empty;
            ok = reader.Read() && reader.TokenType is JsonTokenType.String or JsonTokenType.Number;
            if (ok)
            {
                values[name] = reader.TokenType == JsonTokenType.Number ? Encoding.ASCII.GetString(reader.ValueSpan) : reader.GetString() ?? string.Empty;
            }
        }

        return ok ? values : throw new JsonException("values: give a mapping of names to texts or numbers.");
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, IReadOnlyDictionary<string, string> value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        foreach ((string name, string text) in value)
        {
            writer.WriteString(name, text);
        }

        writer.WriteEndObject();
    }
}
