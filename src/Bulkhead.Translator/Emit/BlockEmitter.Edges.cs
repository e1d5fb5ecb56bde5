using Bulkhead.Translator.Decode;
using Bulkhead.Translator.State;
using static Bulkhead.Translator.Emit.RegisterMap;

namespace Bulkhead.Translator.Emit;

/// <content>Direct jumps out of a block.</content>
internal sealed unsafe partial class BlockEmitter
{
    // Where this block's own branch targets stand (-1: not yet), and the branches ahead to them.
    private readonly int[] _labels = new int[64];
    private readonly (int Place, int Label)[] _labelJumps = new (int, int)[128];
    private int _labelJumpCount;

    /// <summary>Goes on at a guest RIP known at translation. <paramref name="live"/>: the target may read flags.</summary>
    private void EmitEdge(ulong target, bool live)
    {
        if (_plan.Transient || !_options.Chain)
        {
            EmitLeaveAt(target, (uint)ExitCode.Dispatch, FlagsPlace.Saved);
            return;
        }

        if (IsDistant(target))
        {
            FreeHostFlags(live ? FlagFacts.All : 0);
            EmitRip(R10, target);
            EmitIndirectJump();
            return;
        }

        bool samePage = IsSamePage(target);
        ulong from = _plan.Instructions[Math.Min(_index, _plan.Count - 1)].IP;
        bool backward = (long)target <= (long)from;
        bool leavesRegion = LeavesRegion(from, target);
        if (samePage && !backward && !leavesRegion)
        {
            EmitJumpInPage(target, live);
            return;
        }

        FreeHostFlags(live ? FlagFacts.All : 0);
        if (backward || _plan.Relative || leavesRegion)
        {
            EmitLimitCheck();
        }

        if (samePage)
        {
            EmitJumpInPage(target, live);
        }
        else
        {
            EmitJumpToPage(target, call: false);
        }

        EmitLimitStubs(target);
    }

    private bool IsSamePage(ulong target) => _plan.IsSamePage(target);

    /// <summary>Whether a position-independent block goes there as by an indirect jump: beyond 2 GiB, and to instructions that may end
    /// in another page, which nobody enters but through the jump cache.</summary>
    private bool IsDistant(ulong target) =>
        _plan.Relative && ((target & 0xFFF) > 4096 - BlockReader.MaxInstructionBytes || (long)target != (int)target);

    /// <summary>Whether a jump forward needs a limit check: one in every few pages of code that runs straight on. Where
    /// instructions are counted, as soon as it leaves the <see cref="CountedRegion"/> its block begins in: all blocks between two checks
    /// begin in one, each behind the one before.</summary>
    private bool LeavesRegion(ulong from, ulong to) =>
        _options.CountInstructions ? (_plan.Rip ^ to) >> CountedRegion != 0 : (from ^ to) >> 15 != 0;

    /// <summary>Bits of the addresses of a region, of so many instructions at most, within which counted code goes ahead unchecked.</summary>
    internal const int CountedRegion = 8;

    /// <summary>Goes to another page if it is the one the jump is linked to: cmp gs:[code TLB slot], lower half of its value; jne stub;
    /// jmp or call. A position-independent block finds the slot of where that page must stand, and the whole value must be right.
    /// Flags must be free.</summary>
    private void EmitJumpToPage(ulong target, bool call)
    {
        if (_plan.Relative)
        {
            _w.AlignFor(PageCompareBytes);
            EmitFromBase(R11, (long)(target & ~0xFFFul));
            _w.Move(R10, R11, w: false);
            _w.Shift(5, R10, 9, w: false);
            _w.RegImm(4, R10, VcpuState.UserSlotMask, w: false);
            _w.RegStateIndexed(0x8B, R10, R10, Offsets.CodeTlb);
            _w.RegReg(0x2B, R10, R11);
            _w.CompareInt32(R10, -1);
        }
        else
        {
            _w.AlignFor(8);
            EmitSlotCompare(_mode.InPages(target), -1);
        }

        int id = _w.Length - sizeof(int);
        int differs = _w.Jcc(5);
        if (_plan.Relative)
        {
            _w.StoreState(Offsets.CodeBase, R11);
        }

        _w.AlignFor(1);
        int jump = call ? _w.Call() : _w.Jmp();
        int edge = _space.NewEdge(_plan.PageId, jump, id);
        _stubs[_stubCount++] = new Stub { Kind = StubKind.EdgeSaved, Place = differs, Jump = jump, Limit = TakeLimit(StubKind.EdgeSaved), Back = call ? _w.Length : 0, Target = target, Edge = edge };
    }

    /// <summary>Bytes of a position-independent compare up to the id.</summary>
    private const int PageCompareBytes = 44;

    /// <summary>At the start of a block whose instruction ends in another page: leaves unless it is still that page.</summary>
    private void EmitSecondPageCompare()
    {
        if (!_options.CountInstructions)
        {
            _w.PadEight(); // where the block's successor is jumped to, should the second page get another id
        }

        FreeHostFlags(FlagFacts.All);
        ulong second = (_mode.InPages(_plan.Rip) | 0xFFF) + 1;
        EmitSlotCompare(second, (int)VcpuState.SlotValue(second, _plan.SecondPage));
        _stubs[_stubCount++] = new Stub { Kind = StubKind.Target, Place = _w.Jcc(5), Target = _plan.Rip, Code = (uint)ExitCode.Again };
    }

    private void EmitSlotCompare(ulong rip, int value)
    {
        _w.Bytes(0x65, 0x81);
        _w.Bytes(0x3C, 0x25);
        _w.Int32(Offsets.CodeTlb + (VcpuState.SlotOf(rip, _mode.View) * sizeof(ulong)));
        _w.Int32(value);
    }

    /// <summary>A jump to an instruction of this block or to another block of the page.</summary>
    private void EmitJumpInPage(ulong target, bool live)
    {
        int label = _plan.LabelAt(target);
        if (label < 0)
        {
            EmitLinkedJump(target, live, call: false);
            return;
        }

        if (live)
        {
            NeedHostFlags();
        }

        BindToLabel(_w.Jmp(), label);
    }

    /// <summary>Has a branch go to a label: now where it stands, else when it does.</summary>
    private void BindToLabel(int place, int label)
    {
        if (_labels[label] >= 0)
        {
            _w.BindTo(place, _labels[label]);
        }
        else
        {
            _labelJumps[_labelJumpCount++] = (place, label);
        }
    }

    /// <summary>At an instruction that branches of this block go to: its flags are in the host or of no use.</summary>
    /// <param name="falls">Whether the instruction before it goes on here.</param>
    private void EmitLabel(bool falls)
    {
        bool live = _plan.LiveBefore[_index] != 0;
        if (falls && live)
        {
            NeedHostFlags();
        }

        _flags = live ? FlagsPlace.Host : FlagsPlace.Dead;
        _scratch.Forget();
        _labels[_index] = _w.Length;
        for (int i = 0; i < _labelJumpCount; i++)
        {
            if (_labelJumps[i].Label == _index)
            {
                _w.Bind(_labelJumps[i].Place);
            }
        }
    }

    /// <summary>jcc further on in the page.</summary>
    private void EmitLinkedJcc(int condition, ulong target, bool live)
    {
        if (_plan.LabelAt(target) is >= 0 and int label)
        {
            BindToLabel(_w.Jcc(condition), label);
        }
        else if (!IsSaved(live) && _space.TryFind(_plan.PageId, target, out byte* entry))
        {
            _w.BindTo(_w.Jcc(condition), entry);
        }
        else
        {
            EmitEdgeOf(_w.AlignedJcc(condition), target, live);
        }
    }

    /// <summary>A jmp or call within the page, whose rel32 can be patched; straight to the target when it is already there.</summary>
    private void EmitLinkedJump(ulong target, bool live, bool call)
    {
        if (!IsSaved(live) && _space.TryFind(_plan.PageId, target, out byte* entry))
        {
            _w.BindTo(call ? _w.Call() : _w.Jmp(), entry);
            return;
        }

        _w.AlignFor(1);
        EmitEdgeOf(call ? _w.Call() : _w.Jmp(), target, live);
    }

    /// <summary>Whether a target that may read flags has to find them in the state.</summary>
    private bool IsSaved(bool live) => live && _flags == FlagsPlace.Saved;

    /// <summary>Makes an edge of a branch whose rel32 is given; out of line it leaves, until it is linked.</summary>
    private void EmitEdgeOf(int place, ulong target, bool live)
    {
        int edge = _space.NewEdge(_plan.PageId, place, -1);
        if (IsSaved(live))
        {
            _space.SetEdgeSaved(edge);
        }

        StubKind kind = _flags == FlagsPlace.Host ? StubKind.EdgeHost : StubKind.EdgeSaved;
        _stubs[_stubCount++] = new Stub { Kind = kind, Place = place, Limit = TakeLimit(kind), Target = target, Edge = edge };
    }
}
