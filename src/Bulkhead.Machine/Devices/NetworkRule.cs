using System.Globalization;
using Bulkhead.Core;
using Bulkhead.Devices.Backends.Limits;
using Bulkhead.Devices.Backends.Net.Switching;

namespace Bulkhead.Machine.Devices;

/// <summary>What may pass from one member of a network to another, or must not.</summary>
public sealed record NetworkRule
{
    /// <summary>The word for whoever it is.</summary>
    internal const string Any = "any";

    /// <summary>The words for what frames are, in the order of <see cref="s_kinds"/>.</summary>
    internal static readonly string[] Protocols = ["any", "tcp", "udp", "icmp"];

    /// <summary>The words for what becomes of them.</summary>
    internal static readonly string[] Actions = ["allow", "deny"];

    private static readonly FrameKind?[] s_kinds = [null, FrameKind.Tcp, FrameKind.Udp, FrameKind.Icmp];

    /// <summary>The domain that sends, or any.</summary>
    public required string From { get; init; }

    /// <summary>The domain that receives, or any.</summary>
    public required string To { get; init; }

    /// <summary>What the frames are.</summary>
    public string Protocol { get; init; } = Any;

    /// <summary>The first port they may go to.</summary>
    public ushort FirstPort { get; init; }

    /// <summary>The last one.</summary>
    public ushort LastPort { get; init; } = ushort.MaxValue;

    /// <summary>Whether they are dropped.</summary>
    public bool Denies { get; init; }

    /// <summary>How many a second may pass of each sender; 0: any number.</summary>
    public long FramesPerSecond { get; init; }

    /// <summary>How many bytes a second.</summary>
    public long BytesPerSecond { get; init; }

    /// <summary>For whoever reads it.</summary>
    public override string ToString()
    {
        string ports = (FirstPort, LastPort) switch
        {
            (0, ushort.MaxValue) => string.Empty,
            var (a, b) when a == b => string.Create(CultureInfo.InvariantCulture, $" {a}"),
            var (a, b) => string.Create(CultureInfo.InvariantCulture, $" {a}-{b}"),
        };
        string frames = FramesPerSecond > 0 ? string.Create(CultureInfo.InvariantCulture, $", {FramesPerSecond} frames/s") : string.Empty;
        string bytes = BytesPerSecond > 0 ? $", {Quantity.FormatSize((ulong)BytesPerSecond)}/s" : string.Empty;
        return $"{(Denies ? "deny " : string.Empty)}{From} -> {To} {Protocol}{ports}{frames}{bytes}";
    }

    /// <summary>The same by numbers.</summary>
    internal SwitchRule ToSwitch(IReadOnlyList<string> members) => new(
        NumberOf(From, members), NumberOf(To, members), s_kinds[Array.IndexOf(Protocols, Protocol)], FirstPort, LastPort, Denies, new RateLimit(FramesPerSecond, BytesPerSecond));

    // One that has no card there is no one: its rules speak of nobody.
    private static int? NumberOf(string name, IReadOnlyList<string> members) => name == Any ? null : members.ToList().IndexOf(name);
}
