using System.Runtime.Intrinsics;
using Bulkhead.Core.Memory;
using Bulkhead.Translator.State;

namespace Bulkhead.Translator.Memory;

/// <summary>A vCPU's data TLB: the C# side of the check in emitted code.</summary>
/// <remarks>
/// <para>The entry of a page is chosen by bits 12-25 of its address. A tag that matches nothing is the address of a page
/// of another entry: 0, or 4096 in entry 0.</para>
/// <para><i>Threading</i>: the vCPU's thread, but for <see cref="ClearWriteTags"/> (any, under the code space's lock).</para>
/// </remarks>
internal sealed unsafe class SoftTlb : IDisposable
{
    private const int LogSize = 2048;

    /// <summary>So often may code find a page here that it looked for in the window: as much time as it takes to have it there.</summary>
    private const int Patience = 768;

    /// <summary>As many of those as it takes time to fill an entry.</summary>
    private const int TakenCost = 64;

    /// <summary>Page slots of every view, with any page; with pages that are not global.</summary>
    private const ulong AllSlots = 0x0101_0101_0101, LocalSlots = 0x0001_0001_0001;

    private const uint NoPage = uint.MaxValue - 1;
    private readonly int _patience;
    private readonly VcpuState* _state;
    private readonly WriteTags _writeTags;
    private int _slotsStale;

    // Filled entries per view, those of global pages apart.
    private readonly IndexLog[] _local = [new(LogSize), new(LogSize), new(LogSize)];
    private readonly IndexLog[] _global = [new(LogSize), new(LogSize), new(LogSize)];
    private readonly LargePages _largeLocal = new();
    private readonly LargePages _largeGlobal = new();

    internal SoftTlb(VcpuState* state, GuestMemory memory, PageWindowsUse use, MappingBudget budget)
    {
        _state = state;
        _writeTags = new WriteTags(memory.PageCount);
        _patience = use == PageWindowsUse.Always ? -1 : Patience;
        Windows = use == PageWindowsUse.Off ? null : new PageWindows(state, memory, budget, use == PageWindowsUse.Always);
        for (int view = 0; view < VcpuState.Views; view++)
        {
            View(view)->ReadTag = 4096;
            View(view)->WriteTag = 4096;
        }

        _state->SlotsFilled = AllSlots;
        ClearSlots();
    }

    /// <summary>The windows of user code, or null.</summary>
    internal PageWindows? Windows { get; }

    /// <summary>Fills an entry. <paramref name="writable"/>: stores may go straight to the page too. <paramref name="global"/>:
    /// it survives <see cref="FlushLocal"/>. <paramref name="shift"/>: how large the guest's page is.</summary>
    internal void Fill(int view, ulong page, byte* host, int ramPage, bool writable, bool global, int shift)
    {
        NoteLarge(page, shift, global);
        int index = IndexOf(page);
        VcpuState.TlbEntry* entry = View(view) + index;
        (global ? _global : _local)[view].Add(index);
        bool known = entry->ReadTag == page;
        int patience = known ? entry->Patience
            : entry->ReadTag == Nothing(index) ? _patience
            : Math.Min(entry->Patience, _patience) - TakenCost; // two pages that take it from each other wear it out together
        bool impatient = patience < 0;
        if (!known || entry->RamPage != ramPage)
        {
            Volatile.Write(ref entry->WriteTag, Nothing(index)); // it was another page's
        }

        // Whoever uses the page uses it in the window, if it stands there: a processor that looks lines up by their linear address
        // takes an address of the same page elsewhere for a miss.
        byte* mirror = view == 0 && !global && Windows is not null ? Mirror(page, ramPage, shift, writable, impatient) : null;
        if (known && mirror != null && entry->Host != (ulong)mirror)
        {
            ClearSlots();
        }

        entry->Host = (ulong)(mirror != null ? mirror : host);
        entry->Leads = ((uint)ramPage << 1) | (global ? 1u : 0);
        entry->ReadTag = page;
        if (writable)
        {
            _writeTags.Add(ramPage, view, index, this);
            Volatile.Write(ref entry->WriteTag, page);
        }

        entry->Patience = !impatient ? patience : mirror != null ? _patience : int.MaxValue;
    }

    /// <summary>The RAM page an address of a view leads to, for reading or for writing; -1: not known.</summary>
    internal int Find(int view, ulong address, bool write)
    {
        VcpuState.TlbEntry* entry = View(view) + IndexOf(address);
        ulong tag = write ? Volatile.Read(ref entry->WriteTag) : entry->ReadTag;
        return tag == (address & ~0xFFFul) ? entry->RamPage : -1;
    }

    /// <summary>Where a page stands in the window, or null. Where another stood there, no slot may lead to it.</summary>
    private byte* Mirror(ulong page, int ramPage, int shift, bool writable, bool mirror)
    {
        int mirrored = Windows!.Mirrorings;
        byte* at = Windows.Fill(page, ramPage, shift, writable, mirror);
        if (Windows.Mirrorings != mirrored)
        {
            ClearSlots();
        }

        return at;
    }

    /// <summary>Takes the write tag of an entry back.</summary>
    internal void Protect(int view, ulong page)
    {
        int index = IndexOf(page);
        Volatile.Write(ref (View(view) + index)->WriteTag, Nothing(index));
        Windows?.Protect(page);
        ClearSlots();
    }

    /// <summary>Empties the page slots where another thread asked for it. On the vCPU's thread, before translated code is entered.</summary>
    internal void ClearStaleSlots()
    {
        if (Volatile.Read(ref _slotsStale) != 0)
        {
            Volatile.Write(ref _slotsStale, 0);
            Interlocked.MemoryBarrier();
            ClearSlots();
            Windows?.ClearAsked();
        }
    }

    /// <summary>Empties the page slots of the views in which some of a kind are filled.</summary>
    private void ClearSlots(ulong kind = AllSlots)
    {
        Vector256<ulong> nothing = Vector256.Create(VcpuState.PageSlot.Nothing);
        VcpuState.PageSlot* slots = (VcpuState.PageSlot*)&_state->PageSlots;
        for (int view = 0; view < VcpuState.Views; view++)
        {
            ulong ofView = AllSlots & (0xFFFFul << (16 * view));
            if ((_state->SlotsFilled & kind & ofView) == 0)
            {
                continue;
            }

            _state->SlotsFilled &= ~ofView;
            for (int i = 0; i < VcpuState.PageSlotsPerView; i++)
            {
                nothing.Store((ulong*)(slots + (view * VcpuState.PageSlotsPerView) + i));
            }
        }
    }

    /// <summary>Forgets everything.</summary>
    internal void Flush()
    {
        FlushLocal();
        for (int view = 0; view < VcpuState.Views; view++)
        {
            Clear(view, _global[view], globalToo: true);
        }

        ClearSlots();
        _largeGlobal.Clear();
    }

    /// <summary>Forgets everything but global pages.</summary>
    internal void FlushLocal()
    {
        for (int view = 0; view < VcpuState.Views; view++)
        {
            Clear(view, _local[view], globalToo: false);
        }

        ClearSlots(LocalSlots);
        Windows?.Flush();
        _largeLocal.Clear();
    }

    private void Clear(int view, IndexLog log, bool globalToo)
    {
        VcpuState.TlbEntry* entries = View(view);
        if (log.TryTake(out ReadOnlySpan<ushort> filled))
        {
            foreach (ushort i in filled)
            {
                Clear(entries, i, globalToo);
            }

            return;
        }

        for (int i = 0; i < VcpuState.TlbEntries; i++)
        {
            Clear(entries, i, globalToo);
        }
    }

    /// <summary>Notes that an entry, or a fetch, comes from a page of 2^<paramref name="shift"/> bytes, which is more than the
    /// entry's own.</summary>
    internal void NoteLarge(ulong address, int shift, bool global)
    {
        if (shift > 12)
        {
            (global ? _largeGlobal : _largeLocal).Add(address, shift);
        }
    }

    /// <summary>Whether an address may be part of a large page.</summary>
    internal bool MayBeLarge(ulong address) => _largeGlobal.MayHold(address) || _largeLocal.MayHold(address);

    /// <summary>Whether a large page that is not global was met since the last flush.</summary>
    internal bool HasLocalLarge => _largeLocal.Any;

    /// <summary>Parks the pages that are not global, the latest first; there are no large ones.</summary>
    internal void Park(ParkedSpace* space)
    {
        bool room = true;
        for (int view = 0; view < VcpuState.Views; view++)
        {
            ReadOnlySpan<ushort> filled = _local[view].Noted;
            for (int i = filled.Length - 1; i >= 0 && room; i--)
            {
                VcpuState.TlbEntry* entry = View(view) + filled[i];
                if (!entry->Global && entry->ReadTag != Nothing(filled[i]))
                {
                    room = space->TryAdd(new ParkedSpace.Page(entry->ReadTag, entry->RamPage, (byte)view, Volatile.Read(ref entry->WriteTag) == entry->ReadTag));
                    Clear(View(view), filled[i], globalToo: false);
                }
            }
        }
    }

    /// <summary>Forgets one page in every view.</summary>
    internal void FlushPage(ulong address)
    {
        ulong page = address & ~0xFFFul;
        int index = IndexOf(page);
        for (int view = 0; view < VcpuState.Views; view++)
        {
            Clear(View(view), index, globalToo: true);
        }

        Windows?.FlushPage(page);
        ClearSlots();
    }

    /// <summary>Takes every write tag that leads to a RAM page.</summary>
    /// <remarks>The page slots are cleared last: translated code fills them from the tags.</remarks>
    internal void ClearWriteTags(int ramPage)
    {
        Windows?.RequestClear(ramPage);
        if (_writeTags.TryTake(ramPage, out WriteTags.Place first, out WriteTags.Place second))
        {
            Take(first, ramPage);
            Take(second, ramPage);
        }
        else
        {
            for (int view = 0; view < VcpuState.Views; view++)
            {
                for (int i = 0; i < VcpuState.TlbEntries; i++)
                {
                    Take(new WriteTags.Place(view, i), ramPage);
                }
            }
        }

        Volatile.Write(ref _slotsStale, 1);
    }

    /// <summary>Whether an entry leads to a RAM page.</summary>
    internal bool Holds(WriteTags.Place place, int ramPage) => Volatile.Read(ref (View(place.View) + place.Index)->Leads) >> 1 == (uint)ramPage;

    private void Take(WriteTags.Place place, int ramPage)
    {
        if (Holds(place, ramPage))
        {
            Volatile.Write(ref (View(place.View) + place.Index)->WriteTag, Nothing(place.Index));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Windows?.Dispose();
        _writeTags.Dispose();
    }

    private static int IndexOf(ulong page) => (int)(page >> 12) & (VcpuState.TlbEntries - 1);

    private static ulong Nothing(int index) => index == 0 ? 4096ul : 0;

    private static void Clear(VcpuState.TlbEntry* entries, int index, bool globalToo)
    {
        if (entries[index].Global && !globalToo)
        {
            return;
        }

        ulong nothing = Nothing(index);
        entries[index].ReadTag = nothing;
        Volatile.Write(ref entries[index].WriteTag, nothing);
        entries[index].Host = 0;
        entries[index].Leads = NoPage;
    }

    private VcpuState.TlbEntry* View(int view) => (VcpuState.TlbEntry*)&_state->Tlb + (view * VcpuState.TlbEntries);
}
