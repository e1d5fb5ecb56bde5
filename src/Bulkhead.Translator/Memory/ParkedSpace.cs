using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Bulkhead.Translator.Decode;
using Bulkhead.Translator.State;

namespace Bulkhead.Translator.Memory;

/// <summary>What a vCPU knew of an address space when the guest left it: the latest of it, as much as is worth bringing back.</summary>
internal struct ParkedSpace
{
    private const int MostJumps = 256, MostSlots = 128, MostPages = 96;

    private int _jumpCount;
    private int _slotCount;
    private int _pageCount;
    private JumpArray _jumps;
    private SlotArray _slots;
    private PageArray _pages;
    private PageFilter.Words _fetched;

    /// <summary>The mode its jumps are of.</summary>
    internal ModeWord Mode { get; private set; }

    /// <summary>Sets of user code's jump cache.</summary>
    [UnscopedRef]
    internal readonly ReadOnlySpan<JumpSet> Jumps => ((ReadOnlySpan<JumpSet>)_jumps)[.._jumpCount];

    /// <summary>Slots of user code's TLB.</summary>
    [UnscopedRef]
    internal readonly ReadOnlySpan<CodeSlot> Slots => ((ReadOnlySpan<CodeSlot>)_slots)[.._slotCount];

    /// <summary>Pages of the data TLB.</summary>
    [UnscopedRef]
    internal readonly ReadOnlySpan<Page> Pages => ((ReadOnlySpan<Page>)_pages)[.._pageCount];

    /// <summary>The pages its code was fetched from.</summary>
    [UnscopedRef]
    internal ref PageFilter.Words Fetched => ref _fetched;

    /// <summary>Begins anew.</summary>
    internal void Begin(ModeWord mode) => (Mode, _jumpCount, _slotCount, _pageCount) = (mode, 0, 0, 0);

    /// <summary>Adds a set; false: there is no room.</summary>
    internal bool TryAdd(in JumpSet set) => TryAdd(_jumps, ref _jumpCount, set);

    /// <summary>Adds a slot; false: there is no room.</summary>
    internal bool TryAdd(in CodeSlot slot) => TryAdd(_slots, ref _slotCount, slot);

    /// <summary>Adds a page; false: there is no room.</summary>
    internal bool TryAdd(in Page page) => TryAdd(_pages, ref _pageCount, page);

    private static bool TryAdd<T>(Span<T> room, ref int count, in T item)
    {
        if (count == room.Length)
        {
            return false;
        }

        room[count++] = item;
        return true;
    }

    /// <summary>A set of the jump cache.</summary>
    internal record struct JumpSet(int Index, VcpuState.JumpEntry First, VcpuState.JumpEntry Second);

    /// <summary>A slot of the code TLB.</summary>
    internal record struct CodeSlot(int Index, ulong Value);

    /// <summary>An entry of the data TLB: a page of 4 KiB that is not global.</summary>
    internal record struct Page(ulong Address, int RamPage, byte View, bool Writable);

    [InlineArray(MostJumps)]
    private struct JumpArray
    {
        private JumpSet _first;
    }

    [InlineArray(MostSlots)]
    private struct SlotArray
    {
        private CodeSlot _first;
    }

    [InlineArray(MostPages)]
    private struct PageArray
    {
        private Page _first;
    }
}
