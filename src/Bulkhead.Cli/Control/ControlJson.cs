using System.Text.Json.Serialization;
using Bulkhead.Machine.Devices;

namespace Bulkhead.Cli.Control;

/// <summary>How what is said on a control socket, and by <c>--json</c>, is spelt.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ControlRequest))]
[JsonSerializable(typeof(ControlReply))]
[JsonSerializable(typeof(SystemRecord))]
[JsonSerializable(typeof(IReadOnlyList<ControlReply>))]
[JsonSerializable(typeof(IReadOnlyList<WaitReport>))]
[JsonSerializable(typeof(IReadOnlyList<NetworkReport>))]
[JsonSerializable(typeof(IReadOnlyList<ChannelReport>))]
internal sealed partial class ControlJson : JsonSerializerContext;
