using System.Text.Json;
using System.Text.Json.Serialization;

namespace Bulkhead.Cli.Changes;

/// <summary>A network card's address as people write it.</summary>
internal sealed class MacText : JsonConverter<IReadOnlyList<byte>>
{
    /// <inheritdoc/>
    public override IReadOnlyList<byte> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, IReadOnlyList<byte> value, JsonSerializerOptions options) =>
        writer.WriteStringValue(BitConverter.ToString([.. value]).Replace('-', ':').ToLowerInvariant());
}
