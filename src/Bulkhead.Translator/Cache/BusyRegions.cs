namespace Bulkhead.Translator.Cache;

/// <summary>Where a vCPU's user code is found running again and again: stretches of two megabytes of addresses whose code is worth translating for the
/// addresses at which it stands.</summary>
/// <remarks>A process's place is random, so that a stretch tells its process from others that run the same program; where it is not random, what
/// was translated serves them all. <i>Threading</i>: the vCPU's thread.</remarks>
internal sealed class BusyRegions
{
    private const int RegionShift = 21;

    /// <summary>So often is code found in a region before it is busy.</summary>
    private const int FoundWhenBusy = 8;

    private readonly (ulong Region, int Times)[] _found = new (ulong, int)[256];

    /// <summary>Code was found running at an address. Whether its region has become busy by it.</summary>
    internal bool NoteFound(ulong rip)
    {
        ulong region = rip >> RegionShift;
        ref (ulong Region, int Times) found = ref EntryOf(region);
        found = (region, found.Region == region ? found.Times + 1 : 1);
        return found.Times == FoundWhenBusy;
    }

    /// <summary>Whether an address is in a busy region.</summary>
    internal bool IsBusy(ulong rip)
    {
        ulong region = rip >> RegionShift;
        (ulong found, int times) = EntryOf(region);
        return found == region && times >= FoundWhenBusy;
    }

    private ref (ulong Region, int Times) EntryOf(ulong region) => ref _found[(int)region & (_found.Length - 1)];
}
