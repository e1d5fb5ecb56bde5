using Bulkhead.Translator.Decode;
using Bulkhead.Translator.State;
using static Bulkhead.Translator.Emit.RegisterMap;

namespace Bulkhead.Translator.Emit;

/// <content>Direct jumps out of a block.</content>
internal sealed unsafe partial class BlockEmitter
{
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

        bool samePage = ((target ^ _plan.Rip) & ~0xFFFul) == 0;
        ulong from = _plan.Instructions[Math.Min(_index, _plan.Count - 1)].IP;
        bool backward = target <= from;
        if (samePage && !backward)
        {
            RestoreForTarget(live);
            EmitLinkedJump(target, call: false, samePage: true);
            return;
        }

        FreeHostFlags(live ? FlagFacts.All : 0);
        int edge = -1;
        if (!samePage)
        {
            edge = EmitPageCompare(target, padAt: -1);
        }

        if (backward || LeavesRegion(from, target, _options))
        {
            EmitLimitCheck(target);
        }

        if (samePage)
        {
            RestoreForTarget(live);
        }

        EmitLinkedJump(target, call: false, samePage, edge);
    }

    /// <summary>Whether a position-independent block goes there as by an indirect jump: to other pages, and to instructions that may end
    /// in another, which nobody enters but through the jump cache.</summary>
    private bool IsDistant(ulong target) => _plan.Relative && target > 4096 - BlockReader.MaxInstructionBytes;

    /// <summary>Whether a jump forward needs a limit check: one in every few pages of code that runs straight on. Where
    /// instructions are counted, in every page.</summary>
    internal static bool LeavesRegion(ulong from, ulong to, EngineOptions options) => (from ^ to) >> (options.CountInstructions ? 12 : 15) != 0;

    /// <summary>The flags a target in this page expects, in the host; other pages' blocks are entered with the flags in the state.</summary>
    private void RestoreForTarget(bool live)
    {
        if (live)
        {
            NeedHostFlags();
        }
    }

    /// <summary>cmp gs:[code TLB slot], page id; jne stub. Flags must be free. Returns the edge.</summary>
    private int EmitPageCompare(ulong target, int padAt)
    {
        _w.AlignFor(8);
        EmitSlotCompare(target, -1);
        int edge = _space.NewEdge(_plan.PageId, _w.Length - sizeof(int));
        _stubs[_stubCount++] = new Stub { Kind = StubKind.EdgeSaved, Place = _w.Jcc(5), Target = target, Edge = edge, PushesPad = padAt >= 0 };
        return edge;
    }

    /// <summary>At the start of a block whose instruction ends in another page: leaves unless it is still that page.</summary>
    private void EmitSecondPageCompare()
    {
        FreeHostFlags(FlagFacts.All);
        EmitSlotCompare((_plan.Rip | 0xFFF) + 1, (int)_plan.SecondPage);
        _stubs[_stubCount++] = new Stub { Kind = StubKind.Target, Place = _w.Jcc(5), Target = _plan.Rip, Code = (uint)ExitCode.Again };
    }

    private void EmitSlotCompare(ulong rip, int id)
    {
        _w.Bytes(0x65, 0x81);
        _w.Bytes(0x3C, 0x25);
        _w.Int32(Offsets.CodeTlb + (VcpuState.SlotOf(rip) * sizeof(uint)));
        _w.Int32(id);
    }

    /// <summary>A jmp or call whose rel32 can be patched; straight to the target when it is already there.</summary>
    private void EmitLinkedJump(ulong target, bool call, bool samePage, int edge = -1)
    {
        if (samePage && _space.TryFind(_plan.PageId, target, out byte* entry))
        {
            int place = call ? _w.Call() : _w.Jmp();
            _w.BindTo(place, entry);
            return;
        }

        _w.AlignFor(1);
        int rel = call ? _w.Call() : _w.Jmp();
        if (edge < 0)
        {
            edge = _space.NewEdge(_plan.PageId, -1);
        }

        _space.SetEdgeJump(edge, rel);
        _stubs[_stubCount++] = new Stub
        {
            Kind = _flags == FlagsPlace.Host ? StubKind.EdgeHost : StubKind.EdgeSaved,
            Place = rel,
            Target = target,
            Edge = edge,
        };
    }
}
