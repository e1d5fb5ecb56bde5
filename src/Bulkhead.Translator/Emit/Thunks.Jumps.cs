using Bulkhead.Translator.State;
using static Bulkhead.Translator.Emit.RegisterMap;

namespace Bulkhead.Translator.Emit;

/// <content>Jumps: those whose target is computed, those that lead to another page than before, and what stands before blocks they enter.</content>
internal sealed unsafe partial class Thunks
{
    private byte* EmitIndirect(CodeWriter w, int view, EngineOptions options)
    {
        byte* entry = w.Here;
        w.RegState(0x3B, HostRsp, Offsets.Limit); // cmp rsp, gs:[limit]
        int limit = w.Jcc(2); // jb
        int counted = options.CountInstructions ? EmitCountCheck(w) : -1;
        if (options.JumpCache)
        {
            EmitJumpHash(w);
            for (int way = 0; way < VcpuState.JumpWays; way++)
            {
                EmitJumpTo(w, view, way);
            }
        }

        w.MoveConstant(R11, (ulong)ExitCode.Indirect);
        w.CallTo(Leave);
        w.Bind(limit);
        if (counted >= 0)
        {
            w.Bind(counted);
        }

        w.MoveConstant(R11, (ulong)ExitCode.Limit);
        w.CallTo(Leave);
        return entry;
    }

    /// <summary>The thunk's first half, at the jump itself: each site has a host jump of its own, which the host predicts by itself. Where
    /// the target is not the last one filled, the thunk goes on.</summary>
    internal void EmitDispatch(CodeWriter w, int view)
    {
        w.RegState(0x3B, HostRsp, Offsets.Limit);
        int limit = w.Jcc(2);
        EmitJumpHash(w);
        EmitJumpTo(w, view, way: 0);
        w.Bind(limit);
        w.JmpTo(Indirect[view]);
    }

    /// <summary>Goes where an entry of the set at r11 says if it is of the target in r10.</summary>
    private static void EmitJumpTo(CodeWriter w, int view, int way)
    {
        int entry = Offsets.JumpCache + (((view * VcpuState.JumpSets * VcpuState.JumpWays) + way) * sizeof(VcpuState.JumpEntry));
        w.RegStateIndexed(0x3B, R10, R11, entry);
        int miss = w.Jcc(5); // jne
        w.Byte(0x65); // jmp gs:[r11 + entry + 8]
        w.Bytes(0x41, 0xFF);
        w.Byte(0xA3);
        w.Int32(entry + 8);
        w.Bind(miss);
    }

    /// <summary>How many bytes <see cref="EmitFlagsEntry"/> writes.</summary>
    internal const int FlagsEntryBytes = 30;

    /// <summary>What stands before a block that reads flags: indirect jumps come here with the flags in the state.</summary>
    internal static void EmitFlagsEntry(CodeWriter w)
    {
        w.StoreState(Offsets.SavedRax, Rax);
        w.LoadFlagsThroughRax(Offsets.Flags);
        w.LoadState(Rax, Offsets.SavedRax);
    }

    /// <summary>How many bytes <see cref="EmitBaseEntry"/> writes.</summary>
    internal const int BaseEntryBytes = 19;

    /// <summary>What stands before a position-independent block: from other pages it is entered here, with its address in r10.</summary>
    internal static void EmitBaseEntry(CodeWriter w)
    {
        w.Move(R11, R10);
        w.RegImm(4, R11, ~0xFFF);
        w.StoreState(Offsets.CodeBase, R11);
    }

    /// <summary>The way from a jump whose target is known to a position-independent page: as an indirect jump.</summary>
    internal void EmitGate(CodeWriter w, ulong rip, int view)
    {
        w.MoveConstant(R10, rip);
        w.JmpTo(Indirect[view]);
    }

    /// <summary>jae, when the count has reached where translated code is to leave; its place. Clobbers r11 and flags.</summary>
    internal static int EmitCountCheck(CodeWriter w)
    {
        w.LoadState(R11, Offsets.Count);
        w.RegState(0x3B, R11, Offsets.CountExit);
        return w.Jcc(3);
    }

    /// <summary>The return stack is empty: leave it so (RET took this thunk's own address off) and look the target up.</summary>
    private byte* EmitUnderflow(CodeWriter w)
    {
        byte* entry = w.Here;
        w.Lea(HostRsp, HostRsp, -8);
        w.TestStateByte(Offsets.Mode, 1);
        w.BindTo(w.Jcc(5), Indirect[1]);
        w.TestStateByte(Offsets.Mode, 2);
        w.BindTo(w.Jcc(5), Indirect[2]);
        w.JmpTo(Indirect[0]);
        return entry;
    }

    /// <summary>A jump between pages that is linked to another page than the code TLB holds: looks its target in r10 up, which in
    /// position-independent code counts from the page it comes from.</summary>
    private byte* EmitLinkedMiss(CodeWriter w, int view, bool relative)
    {
        byte* entry = w.Here;
        w.Lea(HostRsp, HostRsp, 8); // it was called
        if (relative)
        {
            w.RegState(0x03, R10, Offsets.CodeBase);
        }

        w.JmpTo(Indirect[view]);
        return entry;
    }

    /// <summary>r11 = byte offset of the jump-cache set for target r10; see <see cref="JumpSet"/>.</summary>
    private static void EmitJumpHash(CodeWriter w)
    {
        w.Bytes(0xC4, 0x43, 0x7B); // rorx r11d, r10d, 4
        w.Bytes(0xF0, 0xDA, 0x04);
        w.Bytes(0x47, 0x8D); // lea r11d, [r11 + r10 * 8]
        w.Bytes(0x1C, 0xD3);
        w.RegImm(4, R11, (VcpuState.JumpSets - 1) << 5, w: false);
    }

    /// <summary>The set the emitted hash computes.</summary>
    internal static int JumpSet(ulong target) => (int)((((uint)target >> 4) + ((uint)target << 3)) >> 5) & (VcpuState.JumpSets - 1);
}
