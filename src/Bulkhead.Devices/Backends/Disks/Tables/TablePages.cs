using System.Diagnostics.CodeAnalysis;

namespace Bulkhead.Devices.Backends.Disks.Tables;

/// <summary>The pieces of an image's tables that were used last, and those that were changed and not yet written.</summary>
/// <remarks>
/// A change stays in memory until its owner writes it, in an order of its own with other tables: <see cref="Freeze"/>, the writing
/// outside the lock, <see cref="Thaw"/>. What is changed meanwhile is a copy, so that what is written is one moment's state.
/// <para><i>Shape</i>: a clock: clean pages that were not used for a round make room. Pages are added beyond the capacity only while all are
/// changed; an owner writes them when <see cref="IsCrowded"/>.</para>
/// <para><i>Threading</i>: under the owner's lock, but for <see cref="WriteFrozen"/> and <see cref="Frozen"/>.</para>
/// </remarks>
internal sealed class TablePages
{
    private readonly IImageFile _file;
    private readonly int _capacity;
    private readonly Dictionary<long, TablePage> _pages;
    private readonly List<TablePage> _ring;
    private readonly Stack<TablePage> _spare = new();
    private readonly List<TablePage> _frozen = [];
    private int _hand;
    private int _dirty;

    internal TablePages(IImageFile file, int pageBytes, int capacity)
    {
        _file = file;
        PageBytes = pageBytes;
        _capacity = capacity;
        _pages = new Dictionary<long, TablePage>(capacity);
        _ring = new List<TablePage>(capacity);
    }

    /// <summary>Bytes in a page; a power of two, and pages are aligned to it.</summary>
    internal int PageBytes { get; }

    /// <summary>Changes whenever a page that was read before may be older than the file.</summary>
    internal long Generation { get; private set; }

    /// <summary>Whether there are changed pages.</summary>
    internal bool HasDirty => _dirty > 0;

    /// <summary>Whether so many pages are changed that they should be written.</summary>
    internal bool IsCrowded => _dirty > _capacity / 2;

    /// <summary>The page that holds an offset, where it is in memory.</summary>
    internal bool TryGet(long offset, [NotNullWhen(true)] out TablePage? page)
    {
        bool found = _pages.TryGetValue(offset & -PageBytes, out page);
        if (found)
        {
            // Not null: found.
            page!.Used = true;
        }

        return found;
    }

    /// <summary>The page that holds an offset, read from the file where it is not in memory.</summary>
    internal DiskResult Get(long offset, out TablePage? page)
    {
        if (TryGet(offset, out page))
        {
            return DiskResult.Ok;
        }

        TablePage fresh = Rent();
        DiskResult result = _file.Read(offset & -PageBytes, fresh.Data);
        if (result == DiskResult.Ok)
        {
            page = fresh;
            Add(offset, fresh);
        }
        else
        {
            _spare.Push(fresh);
        }

        return result;
    }

    /// <summary>A page to read into, outside the lock; it goes back by <see cref="Offer"/>.</summary>
    internal TablePage Rent() => _spare.TryPop(out TablePage? page) ? page : new TablePage(PageBytes);

    /// <summary>Takes a page that was read outside the lock, unless it may be older than the file by now.</summary>
    internal void Offer(TablePage page, long offset, long generation, bool valid)
    {
        if (valid && generation == Generation && !_pages.ContainsKey(offset & -PageBytes))
        {
            Add(offset, page);
        }
        else
        {
            _spare.Push(page);
        }
    }

    /// <summary>The page to change: this one, or a copy where it is being written.</summary>
    internal TablePage Change(TablePage page)
    {
        if (page.Frozen)
        {
            TablePage copy = Rent();
            page.Data.CopyTo(copy.Data, 0);
            Add(page.Offset, copy);
            page = copy;
        }

        if (!page.Dirty)
        {
            page.Dirty = true;
            _dirty++;
        }

        return page;
    }

    /// <summary>Forgets what is known of a range whose use has changed.</summary>
    internal void Drop(long offset, long length)
    {
        for (long at = offset & -PageBytes; at < offset + length; at += PageBytes)
        {
            if (_pages.Remove(at, out TablePage? page) && page.Dirty)
            {
                page.Dirty = false;
                _dirty--;
            }
        }

        Generation++;
    }

    /// <summary>Marks all changed pages as being written.</summary>
    internal void Freeze()
    {
        foreach (TablePage page in _pages.Values)
        {
            if (page.Dirty)
            {
                page.Dirty = false;
                page.Frozen = true;
                _frozen.Add(page);
            }
        }

        _dirty = 0;
        _frozen.Sort(static (a, b) => a.Offset.CompareTo(b.Offset));
    }

    /// <summary>What is frozen, in the order of the file; outside the lock, on one thread at a time.</summary>
    internal IReadOnlyList<TablePage> Frozen => _frozen;

    /// <summary>Writes what is frozen; outside the lock, on one thread at a time.</summary>
    internal DiskResult WriteFrozen()
    {
        foreach (TablePage page in _frozen)
        {
            DiskResult result = _file.Write(page.Offset, page.Data);
            if (result != DiskResult.Ok)
            {
                return result;
            }
        }

        return DiskResult.Ok;
    }

    /// <summary>Ends the writing: pages are clean, or changed as before where it failed.</summary>
    internal void Thaw(bool written)
    {
        foreach (TablePage page in _frozen)
        {
            page.Frozen = false;
            bool current = _pages.TryGetValue(page.Offset, out TablePage? now) && ReferenceEquals(now, page);
            if (current && !written && !page.Dirty)
            {
                page.Dirty = true;
                _dirty++;
            }
        }

        _frozen.Clear();
        Generation++;
    }

    private void Add(long offset, TablePage page)
    {
        page.Offset = offset & -PageBytes;
        page.Dirty = false;
        page.Frozen = false;
        page.Used = true;
        _pages[page.Offset] = page;
        for (int tries = 0; _ring.Count >= _capacity && tries < 2 * _ring.Count; tries++)
        {
            _hand = (_hand + 1) % _ring.Count;
            TablePage old = _ring[_hand];
            bool current = _pages.TryGetValue(old.Offset, out TablePage? now) && ReferenceEquals(now, old);
            if (current && (old.Dirty || old.Frozen || old.Used))
            {
                old.Used = false;
                continue;
            }

            if (old.Frozen)
            {
                continue;
            }

            if (current)
            {
                _ = _pages.Remove(old.Offset);
            }

            _spare.Push(old);
            _ring[_hand] = page;
            return;
        }

        _ring.Add(page);
    }
}
