using System.Net;
using System.Text.Json.Serialization;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Devices;

namespace Bulkhead.Cli.Changes;

/// <summary>What was read of a system file as a tree, so that two of them can be compared to the last leaf.</summary>
/// <remarks>Everything that a record keeps is in it; what it computes is not. A test looks whether anything is missing.</remarks>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, IgnoreReadOnlyProperties = true, UseStringEnumConverter = true,
    Converters =
    [
        typeof(TextOf<IPAddress>), typeof(TextOf<CpuSelector>), typeof(TextOf<DisplayRequest>), typeof(TextOf<KeyValuePair<string, string>>),
        typeof(TextOf<(string Domain, bool MayWrite)>), typeof(MacText),
    ])]
[JsonSerializable(typeof(SystemConfig))]
internal sealed partial class ConfigJson : JsonSerializerContext;
