using System.Text.Json.Serialization;
using Bulkhead.Machine.Disks;

namespace Bulkhead.Cli.Disks;

/// <summary>How <c>disk ... --json</c> is spelt.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DiskDescription))]
[JsonSerializable(typeof(DiskCheckup))]
internal sealed partial class DiskJson : JsonSerializerContext;
