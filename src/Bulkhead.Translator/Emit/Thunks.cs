using Bulkhead.Translator.State;
using static Bulkhead.Translator.Emit.RegisterMap;

namespace Bulkhead.Translator.Emit;

/// <summary>The only ways between C# and translated code, emitted once per code space.</summary>
/// <remarks>
/// <para>Translated code leaves with a reason in r11 and may be entered again where it left. One way in and one way out carry the whole register
/// state, so C# always sees it whole. On the way out C# is asked whether the code may go on at once (decision 0022).</para>
/// <para>Entered through <c>delegate* unmanaged</c>. C# destroys vector registers and MXCSR; both are moved here.</para>
/// </remarks>
internal sealed unsafe partial class Thunks
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
    private byte* _resume;

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
        _resume = w.Here;
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
        EmitAsk(w);
        w.Bytes(0x41, 0x5F);
        w.Bytes(0x41, 0x5E);
        w.Bytes(0x41, 0x5D);
        w.Bytes(0x41, 0x5C);
        w.Byte(0x5D);
        w.Byte(0x5B);
        w.Byte(0xC3);
    }

    /// <summary>Has what is answered in place answered, and goes on if it was.</summary>
    private void EmitAsk(CodeWriter w)
    {
        const int inPlace = (1 << (int)ExitCode.Memory) | (1 << (int)ExitCode.Commit) | (1 << (int)ExitCode.InterpretWithin);
        w.RegImm(4, R11, (int)ExitWord.RelativeRip - 1, w: false);
        w.MoveConstant(Rax, inPlace);
        w.Bytes(0x44, 0x0F, 0xA3); // bt eax, r11d
        w.Byte(0xD8);
        int leaves = w.Jcc(3); // jnc
        w.LoadState(Rdi, Offsets.Vcpu);
        w.Lea(HostRsp, HostRsp, -8);
        w.Bytes(0x65, 0xFF, 0x14); // call gs:[answer]
        w.Byte(0x25);
        w.Int32(Offsets.Answer);
        w.Lea(HostRsp, HostRsp, 8);
        w.RegReg(0x85, Rax, Rax, w: false); // test
        w.BindTo(w.Jcc(5), _resume);
        w.Bind(leaves);
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
