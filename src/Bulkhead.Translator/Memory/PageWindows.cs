using Bulkhead.Core.Memory;
using Bulkhead.Host.Memory;
using Bulkhead.Translator.State;
using Bulkhead.X86.Memory;

namespace Bulkhead.Translator.Memory;

/// <summary>
/// A vCPU's windows: for an address space of the guest, four gigabytes of the host's in which the pages it uses much stand in the
/// guest's order, so that the host address of an operand is the low half of its own plus a constant. The check that it may be
/// used goes on beside the access instead of before it.
/// </summary>
/// <remarks>
/// <para>A page's place is bits 12-31 of its address. A tag says that the page at a place is mirrored, by which address, and may be read
/// or written; tags come and go as entries of the data TLB do, mirrors stay until their place is needed for another page.</para>
/// <para>A window belongs to a page-table root, as long as the page of code it was opened for is where it was: Linux soon uses the root of a process
/// that ended for another. Whether what a window mirrors is still what the guest means is asked anew whenever a tag is set.</para>
/// <para><i>Threading</i>: the vCPU's thread, but for <see cref="RequestClear"/>.</para>
/// <para><i>Cost</i>: address space; four bytes a mirrored page; mappings of the host, of which <see cref="MappingBudget"/> has so many.</para>
/// </remarks>
internal sealed unsafe class PageWindows : IDisposable
{
    private const int MostWindows = 8;

    /// <summary>So often is a process found running in one page of code before it gets a window.</summary>
    private const int FoundWhenHot = 12;

    private const ulong NoRoot = ulong.MaxValue;
    private const int MostTags = 1 << 16;
    private const int LargePages = 512;
    private readonly VcpuState* _state;
    private readonly GuestMemory _memory;
    private readonly MappingBudget _budget;
    private readonly List<Window> _windows = new(MostWindows);
    private readonly PrivateMemory _tagged; // by RAM page: non-zero where a write tag may lead to it
    private readonly int[] _tags = new int[MostTags];
    private readonly List<int> _asked = [];
    private readonly (ulong Root, ulong Page, int Times)[] _found = new (ulong, ulong, int)[256];
    private readonly bool _always;
    private int _tagCount;
    private Window? _current;
    private ulong _root = NoRoot;
    private long _uses;
    private bool _crowded;
    private bool _off;

    internal PageWindows(VcpuState* state, GuestMemory memory, MappingBudget budget, bool always)
    {
        _always = always;
        _state = state;
        _memory = memory;
        _budget = budget;
        _tagged = new PrivateMemory((ulong)memory.PageCount);
        SetTags(0, 0, 0);
    }

    /// <summary>How often pages were mirrored.</summary>
    internal int Mirrorings { get; private set; }

    /// <summary>Whether the current address space has a window.</summary>
    internal bool HasWindow()
    {
        SelectCurrent();
        return _current is not null || (_always && TryOpen(0));
    }

    /// <summary>User code of the current address space was found running in a page. Whether the address space gets a window by it.</summary>
    internal bool NoteFound(ulong page)
    {
        SelectCurrent();
        if (_current is not null)
        {
            return false;
        }

        ref (ulong Root, ulong Page, int Times) found = ref _found[(int)((_root ^ page) >> 12) & (_found.Length - 1)];
        found = (_root, page, found.Root == _root && found.Page == page ? found.Times + 1 : 1);
        return found.Times >= FoundWhenHot && TryOpen(page);
    }

    /// <summary>Sets the tags of a page if it is mirrored, or is to be.</summary>
    /// <param name="page">Its address.</param>
    /// <param name="ramPage">What stands there.</param>
    /// <param name="shift">How large the guest's page is.</param>
    /// <param name="writable">Whether stores may go there.</param>
    /// <param name="mirror">Whether it is worth mirroring.</param>
    /// <returns>Where it is mirrored, or null.</returns>
    internal byte* Fill(ulong page, int ramPage, int shift, bool writable, bool mirror)
    {
        SelectCurrent();
        int place = PlaceOf(page);
        if (_current is null || (_current.Mirrored[place] != ramPage + 1 && !(mirror && TryMirror(_current, page, ramPage, shift))))
        {
            return null;
        }

        if (_tagCount == MostTags)
        {
            ForgetTags();
        }

        _tags[_tagCount++] = place;
        if (writable)
        {
            Volatile.Write(ref _tagged.Pointer[ramPage], 1);
        }

        SetTags(place, page, writable ? page : 0);
        return _current.Memory.Pointer + ((ulong)(uint)place << 12);
    }

    /// <summary>Forgets a page.</summary>
    internal void FlushPage(ulong page) => SetTags(PlaceOf(page), 0, 0);

    /// <summary>Takes a page's write tag back.</summary>
    internal void Protect(ulong page) => Volatile.Write(ref Writes[PlaceOf(page)], Nothing(PlaceOf(page)));

    /// <summary>Forgets every page. Between instructions, and after the data TLB has forgotten them.</summary>
    internal void Flush()
    {
        ForgetTags();
        if (_crowded)
        {
            _crowded = false;
            foreach (Window w in _windows)
            {
                Empty(w);
            }

            if (_off)
            {
                Close();
            }
        }
    }

    private void ForgetTags()
    {
        for (int i = 0; i < _tagCount; i++)
        {
            SetTags(_tags[i], 0, 0);
        }

        _tagCount = 0;
    }

    /// <summary>Asks for the write tags that lead to a RAM page to be taken: <see cref="ClearAsked"/> does it. Any thread, under the code
    /// space's lock, after it has set the page's flag.</summary>
    internal void RequestClear(int ramPage)
    {
        if (Volatile.Read(ref _tagged.Pointer[ramPage]) != 0)
        {
            lock (_asked)
            {
                _asked.Add(ramPage);
            }
        }
    }

    /// <summary>Does what <see cref="RequestClear"/> asked for. On the vCPU's thread, before translated code is entered.</summary>
    internal void ClearAsked()
    {
        lock (_asked)
        {
            foreach (int ramPage in _asked)
            {
                _tagged.Pointer[ramPage] = 0;
                for (int i = 0; i < _tagCount; i++)
                {
                    if (_current?.Mirrored[_tags[i]] == ramPage + 1)
                    {
                        Writes[_tags[i]] = Nothing(_tags[i]);
                    }
                }
            }

            _asked.Clear();
        }
    }

    /// <summary>What is wrong with the tags, or null. While the vCPU does not run.</summary>
    internal string? Verify(Predicate<int> isCode)
    {
        for (int i = 0; i < _tagCount; i++)
        {
            int place = _tags[i];
            (ulong reads, ulong writes) = (Reads[place], Writes[place]);
            bool hits = PlaceOf(reads) == place;
            int ramPage = (_current?.Mirrored[place] ?? 0) - 1;
            if (PlaceOf(writes) == place && (!hits || reads != writes))
            {
                return $"window place {place:x}: a write tag of another page than the read tag";
            }

            if (hits && (ramPage < 0 || _state->Window != (ulong)_current!.Memory.Pointer))
            {
                return $"window place {place:x}: a tag of a page that is not mirrored";
            }

            if (PlaceOf(writes) == place && isCode(ramPage))
            {
                return $"window place {place:x}: a write tag for a page that holds code";
            }
        }

        return null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Close();
        _tagged.Dispose();
    }

    private void Close()
    {
        foreach (Window w in _windows)
        {
            _budget.Give(w.Mappings);
            w.Dispose();
        }

        _windows.Clear();
        _current = null;
    }

    private ulong* Reads => (ulong*)&_state->WindowReads;

    private ulong* Writes => (ulong*)&_state->WindowWrites;

    private static int PlaceOf(ulong page) => (int)((uint)page >> 12);

    /// <summary>A tag of no page of a place.</summary>
    private static ulong Nothing(int place) => place == 0 ? 4096ul : 0;

    private void SetTags(int place, ulong reads, ulong writes)
    {
        Volatile.Write(ref Writes[place], writes == 0 ? Nothing(place) : writes);
        Volatile.Write(ref Reads[place], reads == 0 ? Nothing(place) : reads);
    }

    private void SelectCurrent()
    {
        ulong root = _state->Registers.Cr3 & ~0xFFFul;
        if (root != _root)
        {
            ForgetTags();
            _root = root;
            Window? window = _windows.Find(w => w.Root == _root);
            if (window is not null && window.CodeAt != CodeAt(window.Code))
            {
                Empty(window);
                window.Root = NoRoot;
                window = null;
            }

            Use(window);
        }
    }

    /// <summary>Where a page of code lies now; null where it is not mapped.</summary>
    private Gpa? CodeAt(ulong page) => PageWalker.TryPeek(_memory, in _state->Registers, page, out Gpa address) ? address : null;

    private void Use(Window? window)
    {
        _current = window;
        if (window is not null)
        {
            window.LastUsed = ++_uses;
            _state->Window = (ulong)window.Memory.Pointer;
        }
    }

    private bool TryMirror(Window current, ulong page, int ramPage, int shift)
    {
        // A large page of the guest's takes one mapping if all of it is RAM, and nothing of what stood there is in use.
        ulong first = shift >= 21 ? page & ~((LargePages << 12) - 1ul) : page;
        int firstRam = ramPage - (int)((page - first) >> 12);
        int count = LargePages;
        byte* source = shift >= 21 && firstRam >= 0 && ramPage < _memory.RamPageCount && !IsUsed(first, count) ? _memory.HostPointer(_memory.PageAddress(firstRam), (ulong)count << 12) : null;
        if (source == null)
        {
            (first, firstRam, count) = (page, ramPage, 1);
            source = _memory.PagePointer(ramPage);
        }

        if (_off || IsUsed(first, count) || !TryReserve())
        {
            return false;
        }

        if (!current.Memory.TryMirror((uint)first, source, (uint)count << 12))
        {
            // The process has other uses for mappings: no more of this, and soon none.
            _off = true;
            _crowded = true;
            _budget.Give(1);
            return false;
        }

        Mirrorings++;
        current.Mappings++;
        int place = PlaceOf(first);
        for (int i = 0; i < count; i++)
        {
            // What stood there was another page, by whose address nothing may find this one.
            SetTags(place + i, 0, 0);
            current.Mirrored[place + i] = firstRam + i + 1;
        }

        return true;
    }

    /// <summary>Whether the data TLB leads to the places of pages by other addresses than theirs: an instruction may be in the middle of using them.</summary>
    private bool IsUsed(ulong page, int count)
    {
        VcpuState.TlbEntry* entries = (VcpuState.TlbEntry*)&_state->Tlb;
        for (ulong at = page; at < page + ((ulong)count << 12); at += 4096)
        {
            ref VcpuState.TlbEntry e = ref entries[PlaceOf(at) & (VcpuState.TlbEntries - 1)];
            if (e.ReadTag != at && PlaceOf(e.ReadTag) == PlaceOf(at) && PageAt(e.Host) >= 0)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The RAM page mirrored at a host address, or -1.</summary>
    internal int PageAt(ulong host)
    {
        ulong offset = host - _state->Window;
        return _current is null || offset >= (ulong)VcpuState.WindowPages << 12 || (offset & 0xFFF) != 0 ? -1 : _current.Mirrored[(int)(offset >> 12)] - 1;
    }

    /// <summary>Takes a mapping off the budget; other windows, those not used for longest first, give theirs back, the current one at the
    /// next flush.</summary>
    private bool TryReserve()
    {
        while (!_budget.TryTake())
        {
            Window? oldest = _windows.Where(w => w != _current && w.Mappings > 0).MinBy(w => w.LastUsed);
            if (oldest is null)
            {
                _crowded = true;
                return false;
            }

            Empty(oldest);
        }

        return true;
    }

    /// <summary>Gives the current root a window: one that has no root, a new one, or that not used for longest.</summary>
    /// <param name="code">The page of code it is opened for.</param>
    private bool TryOpen(ulong code)
    {
        if (_off)
        {
            return false;
        }

        Window? window = _windows.Find(static w => w.Root == NoRoot);
        if (window is null && _windows.Count < MostWindows && MemoryWindow.TryCreate() is { } memory)
        {
            window = new Window(memory);
            _windows.Add(window);
        }

        window ??= _windows.MinBy(static w => w.LastUsed);
        if (window is null)
        {
            return false;
        }

        Empty(window);
        window.Root = _root;
        (window.Code, window.CodeAt) = (code, CodeAt(code));
        Use(window);
        return true;
    }

    private void Empty(Window window)
    {
        if (window.Mappings > 0)
        {
            window.Memory.Clear();
            window.Mirrored.Clear();
            _budget.Give(window.Mappings);
            window.Mappings = 0;
        }
    }

    private sealed class Window(MemoryWindow memory) : IDisposable
    {
        internal MemoryWindow Memory { get; } = memory;

        /// <summary>By place: one more than the RAM page that is mirrored there, or 0.</summary>
        internal ReservedArray<int> Mirrored { get; } = new(VcpuState.WindowPages);

        internal ulong Root { get; set; }

        /// <summary>The page of code it was opened for, and where that page lay.</summary>
        internal ulong Code { get; set; }

        internal Gpa? CodeAt { get; set; }

        internal long LastUsed { get; set; }

        internal int Mappings { get; set; }

        public void Dispose()
        {
            Memory.Dispose();
            Mirrored.Dispose();
        }
    }
}
