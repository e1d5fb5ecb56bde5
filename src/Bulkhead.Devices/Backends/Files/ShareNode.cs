namespace Bulkhead.Devices.Backends.Files;

/// <summary>A file or folder that the guest knows by a number.</summary>
/// <remarks><i>Threading</i>: as of <see cref="ShareNodes"/>, which alone changes it.</remarks>
internal sealed class ShareNode(ulong id, FileIdentity identity)
{
    private SharePlace[] _places = [];

    /// <summary>Its number; no other node ever has it.</summary>
    internal ulong Id => id;

    /// <summary>Which file it is.</summary>
    internal FileIdentity Identity { get; set; } = identity;

    /// <summary>How often the guest was told of it and has not given it back.</summary>
    internal ulong Lookups { get; set; }

    /// <summary>How many places are in it.</summary>
    internal int Children { get; set; }

    /// <summary>Where it was seen and has not gone from, the newest first. A folder has one place, as has most of what is none.</summary>
    internal ReadOnlySpan<SharePlace> Places => _places;

    internal void AddPlace(SharePlace place) => _places = [place, .. _places];

    internal void RemovePlace(int index) => _places = [.. _places[..index], .. _places[(index + 1)..]];
}
