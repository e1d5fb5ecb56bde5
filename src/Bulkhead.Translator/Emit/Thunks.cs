using Bulkhead.Translator.Interpret;
using Bulkhead.Translator.State;
using Bulkhead.X86.Msrs;
using Bulkhead.X86.State;
using static Bulkhead.Translator.Emit.RegisterMap;

namespace Bulkhead.Translator.Emit;

/// <summary>The only ways between C# and translated code, emitted once per code space.</summary>
/// <remarks>
/// <para>Translated code never calls C#: it leaves with a reason in r11 and may be entered again where it left. One way in
/// and one way out carry the whole register state, so C# always sees it whole.</para>
/// <para>Entered through <c>delegate* unmanaged</c>. C# destroys vector registers and MXCSR; both are moved here.</para>
/// </remarks>
internal sealed unsafe class Thunks
{
    private const byte Load = 0x10;
    private const byte Store = 0x11;
    private const byte Or = 0x56;
    private const int VectorBytes = 32;
    private const int UpperHalf = 16;

    /// <summary>void(): runs translated code at <c>ResumeAddress</c> until it leaves. GS is the state.</summary>
    internal byte* Enter { get; private set; }

    /// <summary>Called by stubs while host flags are the guest's.</summary>
    internal byte* LeaveSavingFlags { get; private set; }

    /// <summary>Called by stubs while the guest's flags are in the state (or dead).</summary>
    internal byte* Leave { get; private set; }

    /// <summary>Where a trap in translated code is sent by the signal handler.</summary>
    internal byte* Trap { get; private set; }

    /// <summary>Per view: where indirect jumps go, target in r10, flags in the state.</summary>
    internal byte*[] Indirect { get; } = new byte*[VcpuState.Views];

    /// <summary>Per view: called by position-independent blocks whose jump is linked to another page than the code TLB holds.</summary>
    internal byte*[] RelativeMiss { get; } = new byte*[VcpuState.Views];

    /// <summary>Per view: called by other blocks then.</summary>
    internal byte*[] FixedMiss { get; } = new byte*[VcpuState.Views];

    /// <summary>What lies under the oldest return address.</summary>
    internal byte* Underflow { get; private set; }

    /// <summary>From view 1 to 2 (STAC) and back (CLAC): where blocks go, the next instruction's address in r10, flags in the state.</summary>
    internal byte*[] ChangeView { get; } = new byte*[2];

    /// <summary>Where blocks go with SYSCALL, the next instruction's address in r10, flags in the state.</summary>
    internal byte* Syscall { get; private set; }

    /// <summary>Where blocks go with SYSRET, its own address in r10.</summary>
    internal byte* Sysret { get; private set; }

    /// <summary>Called by blocks in place of <see cref="Leave"/> to have CPUID interpreted: comes back with what it answered the last time, if it
    /// was asked the same.</summary>
    internal byte* Cpuid { get; private set; }

    /// <summary>Called by supervisor's 64-bit blocks in place of <see cref="Leave"/> to have WRMSR interpreted: comes back if the register is one of
    /// those that kernels write whenever they switch tasks.</summary>
    internal byte* WriteMsr { get; private set; }

    /// <summary>By <see cref="SlotMissIndex"/>: called by blocks whose page slot is another page's.</summary>
    internal byte*[] SlotMiss { get; } = new byte*[VcpuState.Views * 2];

    /// <summary>For reads and writes of user code: called by blocks whose page is not in the window.</summary>
    internal byte*[] WindowMiss { get; } = new byte*[2];

    /// <summary>By <see cref="SlotMissIndex"/>: called by blocks in place of a check, where few bytes count for more than time.</summary>
    internal byte*[] LookUp { get; } = new byte*[VcpuState.Views * 2];

    /// <summary>Called by blocks: r11 = RFLAGS as PUSHF stores it.</summary>
    internal byte* JoinFlags { get; private set; }

    private byte* _leaveResumed;

    /// <summary>The index of the thunk for a view's reads or writes.</summary>
    internal static int SlotMissIndex(int view, bool write) => (view * 2) + (write ? 1 : 0);

    /// <summary>void(byte*): FXSAVE64.</summary>
    internal byte* SaveX87 { get; private set; }

    /// <summary>void(): FNINIT.</summary>
    internal byte* ResetX87 { get; private set; }

    /// <summary>void(byte*): FXRSTOR64.</summary>
    internal byte* LoadX87 { get; private set; }

    /// <summary>Bytes of all of them, from the start of the code cache.</summary>
    internal int Bytes { get; private set; }

    /// <summary>Where blocks go.</summary>
    internal ThunkPlaces Places
    {
        get
        {
            return new((ulong)Leave, (ulong)LeaveSavingFlags, All(Indirect), (ulong)JoinFlags, All(SlotMiss), All(WindowMiss), All(LookUp), All(ChangeView), (ulong)Syscall, (ulong)Sysret, (ulong)Cpuid, (ulong)WriteMsr);

            static ulong[] All(byte*[] thunks)
            {
                ulong[] places = new ulong[thunks.Length];
                for (int i = 0; i < places.Length; i++)
                {
                    places[i] = (ulong)thunks[i];
                }

                return places;
            }
        }
    }

    /// <summary>Emits all thunks.</summary>
    internal void Emit(CodeWriter w, EngineOptions options)
    {
        EmitSmallFunctions(w);
        EmitEnter(w);
        EmitLeave(w);
        for (int view = 0; view < VcpuState.Views; view++)
        {
            Indirect[view] = EmitIndirect(w, view, options);
        }

        Underflow = EmitUnderflow(w);
        ChangeView[0] = EmitAllowUserPages(w);
        ChangeView[1] = EmitDenyUserPages(w);
        Syscall = EmitSyscall(w);
        Sysret = EmitSysret(w);
        Cpuid = EmitCpuid(w);
        WriteMsr = EmitWriteMsr(w);

        for (int i = 0; i < SlotMiss.Length; i++)
        {
            SlotMiss[i] = EmitMiss(w, i >> 1, (i & 1) != 0, MissKind.Slot);
            LookUp[i] = EmitMiss(w, i >> 1, (i & 1) != 0, MissKind.None);
        }

        for (int i = 0; i < WindowMiss.Length; i++)
        {
            WindowMiss[i] = EmitMiss(w, view: 0, i != 0, MissKind.Window);
        }

        for (int view = 0; view < VcpuState.Views; view++)
        {
            RelativeMiss[view] = EmitLinkedMiss(w, view, relative: true);
            FixedMiss[view] = EmitLinkedMiss(w, view, relative: false);
        }

        JoinFlags = w.Here;
        BlockEmitter.EmitJoinFlags(w);
        w.Byte(0xC3);
        Bytes = w.Length;
    }

    private void EmitSmallFunctions(CodeWriter w)
    {
        SaveX87 = w.Here;
        w.Bytes(0x48, 0x0F, 0xAE); // fxsave64 [rdi]
        w.Byte(0x07);
        w.Byte(0xC3);

        ResetX87 = w.Here;
        w.Bytes(0xDB, 0xE3); // fninit
        w.Byte(0xC3);

        LoadX87 = w.Here;
        w.Bytes(0x48, 0x0F, 0xAE); // fxrstor64 [rdi]
        w.Byte(0x0F);
        w.Byte(0xC3);
    }

    private void EmitEnter(CodeWriter w)
    {
        Enter = w.Here;
        w.Byte(0x53); // push rbx
        w.Byte(0x55); // push rbp
        w.Bytes(0x41, 0x54);
        w.Bytes(0x41, 0x55);
        w.Bytes(0x41, 0x56);
        w.Bytes(0x41, 0x57);
        w.StoreState(Offsets.HostStackPointer, HostRsp);
        MxcsrState(w, 2, Offsets.Mxcsr);
        LoadVectors(w);
        w.LoadState(HostRsp, Offsets.ReturnStackPointer);
        w.LoadFlagsThroughRax(Offsets.Flags);
        for (int guest = 0; guest < 16; guest++)
        {
            int host = HostOf(guest);
            if (host >= 0)
            {
                w.LoadState(host, Offsets.GprOf(guest));
            }
        }

        w.LoadState(R10, Offsets.Scratch0);
        w.LoadState(R11, Offsets.Scratch1);
        w.PushState(Offsets.ResumeAddress);
        w.Byte(0xC3);
    }

    private void EmitLeave(CodeWriter w)
    {
        // From the signal handler: nothing on the stack, flags in the host, which may or may not be the guest's.
        Trap = w.Here;
        w.StoreState(Offsets.GprOf(0), Rax);
        w.StoreFlagsThroughRax(Offsets.TrapFlags);
        w.MoveConstant(R11, (ulong)ExitCode.Trap);
        int join = w.Jmp();

        LeaveSavingFlags = w.Here;
        w.PopState(Offsets.ResumeAddress);
        w.StoreState(Offsets.GprOf(0), Rax);
        w.StoreFlagsThroughRax(Offsets.Flags);
        int join2 = w.Jmp();

        Leave = w.Here;
        w.PopState(Offsets.ResumeAddress);
        _leaveResumed = w.Here;
        w.StoreState(Offsets.GprOf(0), Rax);
        w.Bind(join);
        w.Bind(join2);
        for (int guest = 1; guest < 16; guest++)
        {
            int host = HostOf(guest);
            if (host >= 0)
            {
                w.StoreState(Offsets.GprOf(guest), host);
            }
        }

        w.StoreState(Offsets.Scratch0, R10);
        w.StoreState(Offsets.Scratch1, R11);
        w.StoreState(Offsets.ReturnStackPointer, HostRsp);
        for (int i = 0; i < 16; i++)
        {
            VectorState(w, Store, i, i * VectorBytes, wide: true);
        }

        w.Bytes(0xC5, 0xF8, 0x77); // vzeroupper
        MxcsrState(w, 3, Offsets.Mxcsr);
        MxcsrState(w, 2, Offsets.HostMxcsr);
        w.LoadState(HostRsp, Offsets.HostStackPointer);
        w.Bytes(0x41, 0x5F);
        w.Bytes(0x41, 0x5E);
        w.Bytes(0x41, 0x5D);
        w.Bytes(0x41, 0x5C);
        w.Byte(0x5D);
        w.Byte(0x5B);
        w.Byte(0xC3);
    }

    /// <summary>Looks the address in r10 up in the data TLB. For a window, wears the entry out by it; for a slot, has the one whose offset
    /// was pushed hold its page. On a miss, or worn out, leaves with the code in r11, to come back to the same place.</summary>
    private byte* EmitMiss(CodeWriter w, int view, bool write, MissKind kind)
    {
        byte* entry = w.Here;
        int table = Offsets.Tlb + (view * VcpuState.TlbEntries * sizeof(VcpuState.TlbEntry));
        int tag = table + (write ? 8 : 0);
        w.StoreState(Offsets.Scratch0, R10);
        w.StoreState(Offsets.Scratch1, R11);
        w.StoreState(Offsets.SavedRax, Rax);
        w.Move(Rax, R10, w: false);
        w.RegImm(4, Rax, 4095, w: false);
        w.Shift(5, R11, 8, w: false);
        w.Bytes(0x45, 0x0F, 0xB6); // movzx r11d, r11b: the size
        w.Byte(0xDB);
        w.RegReg(0x03, Rax, R11, w: false);
        w.RegImm(7, Rax, 4096, w: false);
        int crosses = w.Jcc(7); // ja
        BlockEmitter.EmitTlbIndex(w);
        w.RegStateIndexed(0x33, R10, R11, tag);
        w.RegImm(7, R10, 4095);
        int miss = w.Jcc(7); // ja
        int worn = -1;
        if (kind == MissKind.Window)
        {
            w.Bytes(0x65, 0x41, 0x83); // sub dword gs:[r11 + patience], 1
            w.Bytes(0x6B, (byte)(table + 28), 0x01);
            worn = w.Jcc(8); // js
        }
        else if (kind == MissKind.Slot)
        {
            w.Bytes(0x48, 0x8B, 0x44); // mov rax, [rsp + 8]
            w.Bytes(0x24, 0x08);
            w.RegStateIndexed(0x8B, R10, R11, table + 24, w: false);
            w.RegImm(4, R10, 1, w: false); // whether the page is global
            w.Bytes(0x65, 0x41, 0xC6); // mov byte gs:[r10 + filled], 1
            w.Byte(0x82);
            w.Int32(Offsets.SlotsFilled + (2 * view));
            w.Byte(1);
            w.RegStateIndexed(0x8B, R10, R11, tag);
            w.Bytes(0x65, 0x4C, 0x89); // mov gs:[rax], r10
            w.Byte(0x10);
        }

        w.RegStateIndexed(0x8B, R10, R11, table + 16);
        if (kind == MissKind.Slot)
        {
            w.Bytes(0x65, 0x4C, 0x89); // mov gs:[rax + 8], r10
            w.Bytes(0x50, 0x08);
        }

        w.LoadState(R11, Offsets.Scratch0);
        w.RegImm(4, R11, 4095, w: false);
        w.RegReg(0x03, R10, R11);
        w.RegReg(0x33, R11, R11, w: false); // the sum of r10 and r11 is the address too
        w.LoadState(Rax, Offsets.SavedRax);
        if (kind == MissKind.Slot)
        {
            w.Bytes(0xC2, 0x08, 0x00); // ret 8
        }
        else
        {
            w.Byte(0xC3);
        }

        w.Bind(crosses);
        w.Bind(miss);
        if (kind == MissKind.Window)
        {
            w.Bind(worn);
        }

        w.LoadState(Rax, Offsets.SavedRax);
        w.LoadState(R10, Offsets.Scratch0);
        w.LoadState(R11, Offsets.Scratch1);
        w.PopState(Offsets.ResumeAddress);
        if (kind == MissKind.Slot)
        {
            w.Lea(HostRsp, HostRsp, 8);
        }

        w.JmpTo(_leaveResumed);
        return entry;
    }

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

    /// <summary>ldmxcsr (group 2) or stmxcsr (group 3) gs:[offset].</summary>
    private static void MxcsrState(CodeWriter w, int group, int offset)
    {
        w.Bytes(0x65, 0x0F, 0xAE);
        w.Bytes((byte)((group << 3) | 4), 0x25);
        w.Int32(offset);
    }

    /// <summary>Loads the vector registers. Where all upper halves are zero they are left in their initial state: a processor runs SSE code
    /// slower while one of them was written, even with zero.</summary>
    private static void LoadVectors(CodeWriter w)
    {
        VectorState(w, Load, 0, UpperHalf, wide: false);
        for (int i = 1; i < 16; i++)
        {
            VectorState(w, Or, 0, (i * VectorBytes) + UpperHalf, wide: false);
        }

        w.Bytes(0xC4, 0xE2, 0x79); // vptest xmm0, xmm0
        w.Bytes(0x17, 0xC0);
        int zero = w.Jcc(4); // jz
        LoadAll(wide: true);
        int loaded = w.Jmp();
        w.Bind(zero);
        w.Bytes(0xC5, 0xF8, 0x77); // vzeroupper
        LoadAll(wide: false);
        w.Bind(loaded);

        void LoadAll(bool wide)
        {
            for (int i = 0; i < 16; i++)
            {
                VectorState(w, Load, i, i * VectorBytes, wide);
            }
        }
    }

    /// <summary>An instruction of map 0F with xmm or ymm <paramref name="i"/> and bytes of the state's vector registers; one that has two
    /// sources takes the first from xmm0.</summary>
    private static void VectorState(CodeWriter w, byte opcode, int i, int offset, bool wide)
    {
        w.Byte(0x65);
        w.Bytes(0xC5, (byte)((i < 8 ? 0xF8 : 0x78) | (wide ? 4 : 0)), opcode);
        w.Bytes((byte)(((i & 7) << 3) | 4), 0x25);
        w.Int32(Offsets.Ymm + offset);
    }
}
