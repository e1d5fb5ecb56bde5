using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Bulkhead.Machine.Configuration.Fields;

namespace Bulkhead.Machine.Configuration;

/// <summary>The system file as a JSON Schema, for editors.</summary>
public static class SystemSchema
{
    /// <summary>The schema, with a line end behind it.</summary>
    /// <remarks><i>Source</i>: JSON Schema 2020-12. Made from the table of fields that the reader uses.</remarks>
    public static string Text()
    {
        using var bytes = new MemoryStream();
        var options = new JsonWriterOptions { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using (var json = new Utf8JsonWriter(bytes, options))
        {
            new SchemaWriter(json).Write(SystemFields.Top, "Bulkhead system file");
        }

        return Encoding.UTF8.GetString(bytes.ToArray()) + "\n";
    }
}
