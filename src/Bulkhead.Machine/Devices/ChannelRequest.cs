using Bulkhead.Devices.Channels;

namespace Bulkhead.Machine.Devices;

/// <summary>A channel that domains are to share.</summary>
/// <param name="Name">Its name.</param>
/// <param name="SizeBytes">How much memory, a power of two.</param>
/// <param name="Vectors">How many doorbells each member has.</param>
/// <param name="Members">The domains by name, and whether each may write; their order gives them their numbers.</param>
public sealed record ChannelRequest(string Name, ulong SizeBytes, int Vectors, IReadOnlyList<(string Domain, bool MayWrite)> Members)
{
    /// <summary>The least memory.</summary>
    public const ulong LeastBytes = 4096;

    /// <summary>The most memory.</summary>
    public const ulong MostBytes = 1ul << 30;

    /// <summary>The most doorbells of a member.</summary>
    public const int MostVectors = 64;

    /// <summary>Makes it; the caller disposes it.</summary>
    internal Channel Create() => new(Name, SizeBytes, Vectors, [.. Members.Select(static m => m.MayWrite)]);
}
