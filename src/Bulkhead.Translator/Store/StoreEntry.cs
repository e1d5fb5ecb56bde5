namespace Bulkhead.Translator.Store;

/// <summary>Where the translations of a page stand in a store's file.</summary>
internal struct StoreEntry
{
    /// <summary>What they are of.</summary>
    internal PageKey Key;

    /// <summary>Their first byte in the file.</summary>
    internal long Position;

    /// <summary>XXH3 of their bytes.</summary>
    internal ulong Checksum;

    /// <summary>How many bytes.</summary>
    internal int Length;

    /// <summary>How many guest instructions.</summary>
    internal int Instructions;

    /// <summary>How many files were written since it was used.</summary>
    internal int Age;

    /// <summary>Finds a page among entries in the order of their keys; below 0 where it is not there.</summary>
    internal static int IndexOf(ReadOnlySpan<StoreEntry> entries, in PageKey key) => entries.BinarySearch(new ByKey(key));

    private readonly struct ByKey(PageKey key) : IComparable<StoreEntry>
    {
        public int CompareTo(StoreEntry other) => key.CompareTo(other.Key);
    }
}
