namespace Bulkhead.Translator.Store;

/// <summary>What translations of a page depend on: its bytes, the mode, and, where they are not position-independent, its virtual page.</summary>
/// <param name="Hash">Of the page's bytes.</param>
/// <param name="Mode">The mode word.</param>
/// <param name="Place">The virtual page address; 1 of position-independent code.</param>
internal readonly record struct PageKey(PageHash Hash, ulong Mode, ulong Place) : IComparable<PageKey>
{
    /// <summary>The place of position-independent code.</summary>
    internal const ulong Anywhere = 1;

    /// <inheritdoc/>
    public int CompareTo(PageKey other)
    {
        int order = Hash.First.CompareTo(other.Hash.First);
        order = order != 0 ? order : Hash.Second.CompareTo(other.Hash.Second);
        order = order != 0 ? order : Mode.CompareTo(other.Mode);
        return order != 0 ? order : Place.CompareTo(other.Place);
    }
}
