using System.Text.Json;
using System.Text.Json.Serialization;

namespace Bulkhead.Cli.Changes;

/// <summary>A value as it writes itself.</summary>
internal sealed class TextOf<T> : JsonConverter<T>
{
    /// <inheritdoc/>
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(value?.ToString());
}
