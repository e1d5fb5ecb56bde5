using Bulkhead.Translator.Emit;
using Bulkhead.Translator.Memory;
using Bulkhead.Translator.State;

namespace Bulkhead.Translator;

/// <content>
/// Changes of the address space. Where the guest names its spaces by identifiers, what is known of one that is left (data TLB, and by what user code
/// is found: jump cache, code TLB) is parked, and is back when the guest returns to it without a flush. All that is parked is
/// dropped with the first page of user code that is, and where everything is flushed.
/// </content>
internal sealed unsafe partial class TranslatorVcpu
{
    private readonly ParkedSpaces? _spaces;

    /// <inheritdoc/>
    public void ChangeSpace(ulong from, ulong to, bool keeps)
    {
        if (_spaces is null)
        {
            FlushLocal();
            return;
        }

        _spaces.Drop(from);
        if (!Tlb.HasLocalLarge) // or INVLPG would have to know them later
        {
            Park(_spaces.Park(from));
        }

        FlushLocal();
        if (!keeps)
        {
            _spaces.Drop(to);
        }
        else if (_spaces.Take(to) is var space && space != null)
        {
            Return(space);
        }
    }

    /// <inheritdoc/>
    public void ForgetSpace(ulong pcid) => _spaces?.Drop(pcid);

    // The latest first. What is parked is cleared, since it may be noted again; the flush does the rest.
    private void Park(ParkedSpace* space)
    {
        space->Begin(_jumpMode[0]);
        _fetchedLocal.CopyTo(ref space->Fetched);
        Tlb.Park(space);
        ReadOnlySpan<ushort> sets = _jumpLog[0].Noted;
        bool room = true;
        for (int i = sets.Length - 1; i >= 0 && room; i--)
        {
            VcpuState.JumpEntry* jumps = JumpSet(0, sets[i]);
            if (Thunks.JumpSet(jumps->Target) == sets[i])
            {
                room = space->TryAdd(new ParkedSpace.JumpSet(sets[i], jumps[0], jumps[1]));
                ClearJumpSet(0, sets[i]);
            }
        }

        ReadOnlySpan<ushort> slots = _localSlots.Noted;
        room = true;
        for (int i = slots.Length - 1; i >= 0 && room; i--)
        {
            if (slots[i] < VcpuState.CodeSlotsPerView && Interlocked.Exchange(ref CodeSlots[slots[i]], 0) is not 0 and var value)
            {
                room = space->TryAdd(new ParkedSpace.CodeSlot(slots[i], value));
            }
        }
    }

    private void Return(ParkedSpace* space)
    {
        lock (_space.Lock)
        {
            // Nobody drops code now. What was dropped before has been asked to be forgotten; who drops some later finds the slots.
            if (Volatile.Read(ref _forget) != 0 || _generation != _space.Generation)
            {
                return;
            }

            _fetchedLocal.Add(in space->Fetched);
            ReadOnlySpan<ParkedSpace.JumpSet> jumps = space->Mode == _jumpMode[0] ? space->Jumps : default;
            for (int i = jumps.Length - 1; i >= 0; i--)
            {
                VcpuState.JumpEntry* set = JumpSet(0, jumps[i].Index);
                (set[0], set[1]) = (jumps[i].First, jumps[i].Second);
                _jumpLog[0].Add(jumps[i].Index);
            }

            for (int i = space->Slots.Length - 1; i >= 0; i--)
            {
                (int slot, ulong value) = space->Slots[i];
                CodeSlots[slot] = value;
                _localSlots.Add(slot);
            }

            _localCode |= 1;
        }

        for (int i = space->Pages.Length - 1; i >= 0; i--)
        {
            ParkedSpace.Page page = space->Pages[i];
            FillTlb(page.View, page.Address, page.RamPage, page.Writable && !_memory.IsReadOnly(page.RamPage), global: false, shift: 12);
        }
    }
}
