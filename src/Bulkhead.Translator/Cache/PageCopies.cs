using Bulkhead.Host.Memory;

namespace Bulkhead.Translator.Cache;

/// <summary>Copies of the pages that are being translated: what is kept under a hash must come from bytes that had it, and those of memory may
/// change unseen, as accessed bits do, or in the middle of a store.</summary>
/// <remarks><i>Threading</i>: under the code space's lock. The creator disposes it.</remarks>
internal sealed unsafe class PageCopies : IDisposable
{
    private const int PageBytes = 4096;
    private const int Slots = 16;

    private readonly PrivateMemory _bytes = new(Slots * PageBytes);
    private readonly uint[] _pages = new uint[Slots];

    /// <summary>Copies a page's bytes as they are now.</summary>
    internal byte* Take(uint pageId, byte* live)
    {
        byte* copy = CopyOf(pageId);

        // SAFETY: a page of RAM, and room for one (PageCopiesTests).
        new ReadOnlySpan<byte>(live, PageBytes).CopyTo(new Span<byte>(copy, PageBytes));
        _pages[pageId % Slots] = pageId;
        return copy;
    }

    /// <summary>The last copy of a page, where there is one and the page's bytes are still the same; else null.</summary>
    internal byte* Find(uint pageId, byte* live)
    {
        byte* copy = CopyOf(pageId);
        return _pages[pageId % Slots] == pageId && new ReadOnlySpan<byte>(live, PageBytes).SequenceEqual(new ReadOnlySpan<byte>(copy, PageBytes)) ? copy : null;
    }

    /// <inheritdoc/>
    public void Dispose() => _bytes.Dispose();

    private byte* CopyOf(uint pageId) => _bytes.Pointer + (pageId % Slots * PageBytes);
}
