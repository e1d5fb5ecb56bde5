using Bulkhead.Host.Memory;

namespace Bulkhead.Translator.Cache;

/// <summary>Which pages of the code cache are in its writable mapping: those that are written next, which come many at a time, and those
/// written of late. All others are in the executable one alone, else they would count twice.</summary>
/// <remarks><i>Threading</i>: under the code space's lock.</remarks>
internal sealed class WrittenPages(ExecutableMemory code)
{
    private const int Page = 4096;
    private const int ExpectedPages = 32;

    /// <summary>So many pages are written to before all leave; one whose jumps are linked comes back.</summary>
    private const int Most = 1024;

    private int _expectedEnd;
    private int _count;
    private int _last = -1;

    /// <summary>Code is written from here on.</summary>
    internal void Expect(int free)
    {
        if (free + Page > _expectedEnd)
        {
            int start = Math.Max(_expectedEnd, free & ~(Page - 1));
            _expectedEnd = (int)Math.Min((ulong)(start + (ExpectedPages * Page)), code.SizeBytes);
            code.Load(start, _expectedEnd - start);
        }
    }

    /// <summary>Something was written.</summary>
    /// <param name="place">Where.</param>
    /// <param name="free">Where code ends.</param>
    internal void Note(int place, int free)
    {
        if (place / Page != _last)
        {
            _last = place / Page;
            if (++_count == Most)
            {
                _count = 0;
                code.Unload(0, free);
            }
        }
    }

    /// <summary>Code is written from the start again.</summary>
    internal void Restart() => _expectedEnd = 0;
}
