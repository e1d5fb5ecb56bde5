using Bulkhead.Translator.Interpret;
using Bulkhead.Translator.State;
using Bulkhead.X86.Msrs;
using Bulkhead.X86.State;
using static Bulkhead.Translator.Emit.RegisterMap;

namespace Bulkhead.Translator.Emit;

/// <content>System instructions: changes of view and of privilege, and those that are answered without leaving.</content>
internal sealed unsafe partial class Thunks
{
    /// <summary>STAC. Returns of what was called before wait until CLAC: the return stack goes on above an end of its own.</summary>
    private byte* EmitAllowUserPages(CodeWriter w)
    {
        byte* entry = w.Here;
        w.StateImm(1, Offsets.Rflags, (int)Rflags.AC);
        w.XorStateByte(Offsets.Mode, 3);
        EmitNewEnd(w, Offsets.SavedReturnStack);
        w.JmpTo(Indirect[2]);
        return entry;
    }

    /// <summary>CLAC.</summary>
    private byte* EmitDenyUserPages(CodeWriter w)
    {
        byte* entry = w.Here;
        w.StateImm(4, Offsets.Rflags, ~(int)Rflags.AC);
        w.XorStateByte(Offsets.Mode, 3);
        w.LoadState(HostRsp, Offsets.SavedReturnStack);
        w.JmpTo(Indirect[1]);
        return entry;
    }

    /// <summary>The return stack goes on above an end of its own; where it ended is kept. Clobbers r11.</summary>
    private void EmitNewEnd(CodeWriter w, int kept)
    {
        w.StoreState(kept, HostRsp);
        w.MoveConstant(R11, (ulong)Underflow);
        w.Bytes(0x41, 0x53); // push r11
    }

    /// <summary>SYSCALL. What the user's code called returns there after SYSRET: the return stack goes on above an end of its own.</summary>
    private byte* EmitSyscall(CodeWriter w)
    {
        byte* entry = w.Here;
        w.Move(HostOf(1), R10);
        BlockEmitter.EmitJoinFlags(w);
        w.StoreState(Offsets.GprOf(11), R11);
        w.LoadState(R11, Offsets.SyscallRflags);
        w.RegState(0x21, R11, Offsets.Rflags); // and
        w.LoadState(R11, Offsets.SyscallFlags, w: false);
        w.RegState(0x21, R11, Offsets.Flags, w: false);
        w.LoadState(R11, Offsets.SyscallEvents, w: false);
        w.RegState(0x21, R11, Offsets.InterruptFlag, w: false);
        EmitCrossing(w, Offsets.Syscall);
        EmitNewEnd(w, Offsets.UserReturnStack);
        w.LoadState(R10, Offsets.SyscallTarget);
        w.TestStateByte(Offsets.Mode, 1);
        w.BindTo(w.Jcc(5), Indirect[1]);
        w.JmpTo(Indirect[2]);
        return entry;
    }

    /// <summary>SYSRET; by itself where flags matter that seldom do, an interrupt waits for it, or RCX is not canonical.</summary>
    private byte* EmitSysret(CodeWriter w)
    {
        const int looked = (int)(Rflags.TF | Rflags.IF | Rflags.DF | Rflags.IOPL);
        byte* entry = w.Here;
        w.LoadState(R11, Offsets.GprOf(11));
        w.RegImm(4, R11, looked, w: false);
        w.RegImm(7, R11, (int)Rflags.IF, w: false);
        int flags = w.Jcc(5); // jne
        w.CompareStateByte(Offsets.InterruptWaits, 0);
        int waits = w.Jcc(5);
        w.CompareCanonical(HostOf(1));
        int canonical = w.Jcc(5);
        w.LoadState(R11, Offsets.GprOf(11));
        w.RegImm(4, R11, (int)Interpreter.SysretFlags);
        w.RegImm(1, R11, (int)Rflags.Fixed); // or
        w.StoreState(Offsets.Rflags, R11);
        w.Move(R10, R11, w: false);
        w.RegImm(4, R10, 0xD5, w: false);
        w.Shift(4, R10, 8, w: false);
        w.Shift(5, R11, 11, w: false);
        w.RegImm(4, R11, 1, w: false);
        w.RegReg(0x0B, R10, R11, w: false);
        w.StoreState(Offsets.Flags, R10, w: false);
        w.StoreStateByte(Offsets.InterruptFlag, 1);
        w.StoreStateByte(Offsets.DirectionFlag, 0);
        EmitCrossing(w, Offsets.Sysret);
        w.LoadState(HostRsp, Offsets.UserReturnStack);
        w.Move(R10, HostOf(1));
        w.JmpTo(Indirect[0]);
        w.Bind(flags);
        w.Bind(waits);
        w.Bind(canonical);
        w.MoveConstant(R11, (ulong)ExitCode.Alone);
        w.CallTo(Leave);
        return entry;
    }

    /// <summary>Segments and mode. Clobbers r11.</summary>
    private static void EmitCrossing(CodeWriter w, int crossing)
    {
        const int segments = 3 * sizeof(ulong);
        Copy(Offsets.Mode, 2 * sizeof(ulong));
        for (int i = 0; i < Offsets.SegmentSize; i += sizeof(ulong))
        {
            Copy(Offsets.SegmentBase((int)SegmentIndex.Cs) + i, segments + i);
            Copy(Offsets.SegmentBase((int)SegmentIndex.Ss) + i, segments + Offsets.SegmentSize + i);
        }

        void Copy(int to, int from)
        {
            w.LoadState(R11, crossing + from);
            w.StoreState(to, R11);
        }
    }

    private byte* EmitCpuid(CodeWriter w)
    {
        byte* entry = w.Here;
        w.StoreState(Offsets.Scratch0, R10);
        w.StoreState(Offsets.Scratch1, R11);
        w.Move(R10, Rax, w: false);
        w.Move(R11, Rax, w: false);
        w.Shift(4, R10, 3, w: false);
        w.Shift(5, R11, 29, w: false);
        w.RegReg(0x03, R11, R10, w: false);
        w.RegReg(0x03, R11, Rcx, w: false);
        w.RegImm(4, R11, VcpuState.CpuidEntries - 1, w: false);
        w.Shift(4, R11, 5, w: false);
        w.RegStateIndexed(0x3B, Rax, R11, Offsets.CpuidTable, w: false);
        int otherLeaf = w.Jcc(5); // jne
        w.RegStateIndexed(0x3B, Rcx, R11, Offsets.CpuidTable + 4, w: false);
        int otherSubleaf = w.Jcc(5);
        foreach (int register in (ReadOnlySpan<int>)[Rax, Rbx, Rcx, Rdx])
        {
            w.RegStateIndexed(0x8B, register, R11, Offsets.CpuidTable + register switch { Rax => 8, Rbx => 12, Rcx => 16, _ => 20 }, w: false);
        }

        w.Byte(0xC3);
        w.Bind(otherLeaf);
        w.Bind(otherSubleaf);
        EmitLeaveAfterAll(w);
        return entry;
    }

    /// <summary>The entry of what CPUID is asked for, as emitted code finds it.</summary>
    internal static int CpuidIndex(uint leaf, uint subleaf) => (int)((leaf << 3) + (leaf >> 29) + subleaf) & (VcpuState.CpuidEntries - 1);

    private byte* EmitWriteMsr(CodeWriter w)
    {
        byte* entry = w.Here;
        w.StoreState(Offsets.Scratch0, R10);
        w.StoreState(Offsets.Scratch1, R11);
        w.Move(R10, Rdx);
        w.Move(R11, Rax, w: false);
        w.Shift(4, R10, 32, w: true);
        w.RegReg(0x0B, R10, R11);
        w.CompareCanonical(R10);
        int refused = w.Jcc(5); // jne
        Store(Msr.FsBase, Offsets.SegmentBase((int)SegmentIndex.Fs));
        Store(Msr.GsBase, Offsets.SegmentBase((int)SegmentIndex.Gs));
        Store(Msr.KernelGsBase, Offsets.KernelGsBase);
        w.RegReg(0x85, Rdx, Rdx, w: false); // test: the others have 32 bits
        int wide = w.Jcc(5);
        Store(Msr.TscAux, Offsets.TscAux);
        w.Bind(refused);
        w.Bind(wide);
        EmitLeaveAfterAll(w);
        return entry;

        void Store(uint msr, int field)
        {
            w.RegImm(7, Rcx, (int)msr, w: false);
            int other = w.Jcc(5);
            w.StoreState(field, R10);
            w.Byte(0xC3);
            w.Bind(other);
        }
    }

    /// <summary>The end of a thunk that was called in place of <see cref="Leave"/> and has no answer.</summary>
    private void EmitLeaveAfterAll(CodeWriter w)
    {
        w.LoadState(R10, Offsets.Scratch0);
        w.LoadState(R11, Offsets.Scratch1);
        w.JmpTo(Leave);
    }
}
