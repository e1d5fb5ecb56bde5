namespace Bulkhead.Translator.Cache;

/// <summary>Where a vCPU's user code is found running again and again: stretches of addresses whose code is worth translating for the
/// addresses at which it stands.</summary>
/// <remarks>
/// <para>A process's place is random, so that a stretch tells its process from others that run the same program; where it is not random, what
/// was translated serves them all.</para>
/// <para>A stretch is large, and those beside it go with it: jumps from position-independent code to a page that is translated for its place
/// are slow, so a program or library should be of one kind as a whole.</para>
/// <para><i>Threading</i>: the vCPU's thread.</para>
/// </remarks>
internal sealed class BusyRegions
{
    private const int RegionShift = 24;

    /// <summary>So often is code found in a region before it is busy.</summary>
    private const int FoundWhenBusy = 8;

    private readonly (ulong Region, int Times)[] _found = new (ulong, int)[256];

    /// <summary>Code was found running at an address. Whether its region has become busy by it.</summary>
    internal bool NoteFound(ulong rip)
    {
        ulong region = rip >> RegionShift;
        ref (ulong Region, int Times) found = ref EntryOf(region);
        found = (region, found.Region == region ? found.Times + 1 : 1);
        if (found.Times != FoundWhenBusy)
        {
            return false;
        }

        EntryOf(region - 1) = (region - 1, FoundWhenBusy);
        EntryOf(region + 1) = (region + 1, FoundWhenBusy);
        return true;
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
