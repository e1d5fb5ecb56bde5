using Bulkhead.X86.Cpuid;
using Bulkhead.X86.Engine;
using Bulkhead.X86.Instructions;
using Bulkhead.X86.Memory;
using Bulkhead.X86.Msrs;
using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

/// <remarks><i>Source</i>: Intel SDM Vol. 2, the instructions by name; AMD APM Vol. 3, chapter 4 System Instruction Reference.</remarks>
internal sealed unsafe partial class Interpreter
{
    /// <summary>What RDTSC gives this vCPU now.</summary>
    private ulong Tsc => (Io?.Clock.GuestTsc ?? 0) + _r->TscAdjust;

    /// <summary>The same for an MSR that has to do with it; else 0, unread.</summary>
    private ulong TscFor(uint msr) => msr == Msr.Tsc ? Tsc : 0;

    private InterpretResult Cpuid(in Instruction instruction)
    {
        _exits.Add(ExitReason.Cpuid);
        CpuidResult c = _cpuid.Get((uint)_r->Gpr[Rax], (uint)_r->Gpr[Rcx], in *_r);
        _r->Gpr[Rax] = c.Eax;
        _r->Gpr[Rbx] = c.Ebx;
        _r->Gpr[Rcx] = c.Ecx;
        _r->Gpr[Rdx] = c.Edx;
        return Next(in instruction);
    }

    private InterpretResult ReadMsr(in Instruction instruction)
    {
        if (!Privileged())
        {
            return FailGp();
        }

        _exits.Add(ExitReason.Rdmsr);
        uint index = (uint)_r->Gpr[Rcx];
        ulong value = 0;
        if (!Msrs.TryRead(in *_r, index, TscFor(index), out value) && Io?.TryReadMsr(index, out value) != true)
        {
            return FailGp();
        }

        _r->Gpr[Rax] = (uint)value;
        _r->Gpr[Rdx] = value >> 32;
        return Next(in instruction);
    }

    private InterpretResult WriteMsr(in Instruction instruction)
    {
        if (!Privileged())
        {
            return FailGp();
        }

        _exits.Add(ExitReason.Wrmsr);
        uint index = (uint)_r->Gpr[Rcx];
        ulong value = (uint)_r->Gpr[Rax] | (_r->Gpr[Rdx] << 32);
        switch (Msrs.TryWrite(ref *_r, index, value, TscFor(index)))
        {
            case MsrOutcome.DoneFlush:
                _tlb.FlushAll();
                break;
            case MsrOutcome.Refused:
                return FailGp();
            case MsrOutcome.Unknown when Io?.TryWriteMsr(index, value) != true:
                return FailGp();
        }

        if (index is Msr.Tsc or Msr.TscAdjust)
        {
            _ = Io?.TryWriteMsr(Msr.TscAdjust, _r->TscAdjust);
        }

        return Next(in instruction);
    }

    private InterpretResult ReadTsc(in Instruction instruction, bool withAux)
    {
        if (withAux && !_cpuid.Offers(CpuFeature.Rdtscp))
        {
            return FailUd();
        }

        if ((_r->Cr4 & Cr4.TSD) != 0 && !Privileged())
        {
            return FailGp();
        }

        _exits.Add(withAux ? ExitReason.Rdtscp : ExitReason.Rdtsc);
        ulong tsc = Tsc;
        _r->Gpr[Rax] = (uint)tsc;
        _r->Gpr[Rdx] = tsc >> 32;
        if (withAux)
        {
            _r->Gpr[Rcx] = (uint)_r->TscAux;
        }

        return Next(in instruction);
    }

    private InterpretResult ReadPid(in Instruction instruction)
    {
        if (!_cpuid.Offers(CpuFeature.Rdpid))
        {
            return FailUd();
        }

        _exits.Add(ExitReason.Helper);
        WriteRegister(instruction.Op0Register, (uint)_r->TscAux);
        return Next(in instruction);
    }

    /// <summary>There is no counter, so every index is out of range.</summary>
    private InterpretResult ReadPmc()
    {
        _exits.Add(ExitReason.Rdpmc);
        return FailGp();
    }

    private InterpretResult Xgetbv(in Instruction instruction)
    {
        if ((_r->Cr4 & Cr4.OSXSAVE) == 0)
        {
            return FailUd();
        }

        if ((uint)_r->Gpr[Rcx] != 0)
        {
            return FailGp();
        }

        _exits.Add(ExitReason.Helper);
        _r->Gpr[Rax] = (uint)_r->Xcr0;
        _r->Gpr[Rdx] = _r->Xcr0 >> 32;
        return Next(in instruction);
    }

    private InterpretResult Xsetbv(in Instruction instruction)
    {
        if ((_r->Cr4 & Cr4.OSXSAVE) == 0)
        {
            return FailUd();
        }

        ulong value = (uint)_r->Gpr[Rax] | (_r->Gpr[Rdx] << 32);
        bool valid = (value & ~_cpuid.Xcr0Mask) == 0 && (value & 1) != 0 && ((value & 4) == 0 || (value & 2) != 0);
        if (!Privileged() || (uint)_r->Gpr[Rcx] != 0 || !valid)
        {
            return FailGp();
        }

        _exits.Add(ExitReason.Xsetbv);
        _r->Xcr0 = value;
        return Next(in instruction);
    }

    private InterpretResult Halt(in Instruction instruction)
    {
        if (!Privileged())
        {
            return FailGp();
        }

        _exits.Add(ExitReason.Hlt);
        _ = Next(in instruction);
        _r->Activity = (byte)ActivityState.Halted;
        return InterpretResult.Halt;
    }

    // By the count of its own PAUSEs alone, or where its turns end would change how they go on.
    private InterpretResult Pause(in Instruction instruction)
    {
        _exits.Add(ExitReason.Pause);
        _ = Next(in instruction);
        return ++_pauses % PausesOfSpin == 0 ? InterpretResult.Spin : InterpretResult.Done;
    }

    private InterpretResult InvalidatePage(in Instruction instruction)
    {
        if (!Privileged())
        {
            return FailGp();
        }

        _exits.Add(ExitReason.Invlpg);
        ulong offset = EffectiveOffset(in instruction);
        ref Segment s = ref SegmentOf(SegmentOf(instruction.MemorySegment));
        ulong linear = !_r->Code64 ? (uint)(s.Base + offset)
            : instruction.MemorySegment is Register.FS or Register.GS ? s.Base + offset : offset;
        if (Canonical.Is(linear))
        {
            _tlb.FlushPage(linear);
        }

        return Next(in instruction);
    }

    private InterpretResult InvalidatePcid(in Instruction instruction)
    {
        if (!_cpuid.Offers(CpuFeature.Invpcid))
        {
            return FailUd();
        }

        if (!Privileged())
        {
            return FailGp();
        }

        Span<byte> bytes = stackalloc byte[16];
        if (!TryLinear(in instruction, 16, false, out ulong linear) || !TryReadBytes(linear, bytes, DataAccess(false)))
        {
            return InterpretResult.Fault;
        }

        ulong type = ReadRegister(instruction.Op0Register);
        ulong pcid = BitConverter.ToUInt64(bytes);
        ulong address = BitConverter.ToUInt64(bytes[8..]);
        bool noPcid = (_r->Cr4 & Cr4.PCIDE) == 0 && pcid != 0;
        if (type > 3 || pcid > 0xFFF || (type <= 1 && noPcid) || (type == 0 && !Canonical.Is(address)))
        {
            return FailGp();
        }

        _exits.Add(ExitReason.Invpcid);
        if (type == 0)
        {
            _tlb.FlushPage(address);
            _tlb.ForgetSpace(pcid);
        }
        else
        {
            _tlb.FlushAll();
        }

        return Next(in instruction);
    }

    /// <summary>CLI, STI; STI opens a shadow of one instruction.</summary>
    private InterpretResult InterruptFlag(in Instruction instruction, bool set)
    {
        if (_r->Cpl > IoPrivilege)
        {
            return FailGp();
        }

        _exits.Add(ExitReason.Helper);
        if (!set)
        {
            _r->Rflags &= ~Rflags.IF;
        }
        else if ((_r->Rflags & Rflags.IF) == 0)
        {
            _r->Rflags |= Rflags.IF;
            _shadow = 1;
        }

        return Next(in instruction);
    }

    private InterpretResult DirectionFlag(in Instruction instruction, bool set)
    {
        _exits.Add(ExitReason.Helper);
        _r->Rflags = set ? _r->Rflags | Rflags.DF : _r->Rflags & ~Rflags.DF;
        return Next(in instruction);
    }

    private InterpretResult AccessFlag(in Instruction instruction, bool set)
    {
        if (!Privileged() || !_cpuid.Offers(CpuFeature.Smap))
        {
            return FailUd();
        }

        _exits.Add(ExitReason.Helper);
        _r->Rflags = set ? _r->Rflags | Rflags.AC : _r->Rflags & ~Rflags.AC;
        return Next(in instruction);
    }

    private InterpretResult PushFlags(in Instruction instruction)
    {
        int size = -instruction.StackPointerIncrement;
        if (!TryWriteStack(-size, size, _r->Rflags & ~(Rflags.VM | Rflags.RF)))
        {
            return InterpretResult.Fault;
        }

        _exits.Add(ExitReason.Helper);
        MoveStack(-size);
        return Next(in instruction);
    }

    private InterpretResult PopFlags(in Instruction instruction)
    {
        int size = instruction.StackPointerIncrement;
        if (!TryReadStack(0, size, out ulong value))
        {
            return InterpretResult.Fault;
        }

        _exits.Add(ExitReason.Helper);
        MoveStack(size);
        _r->Rflags = MergeFlags(value, size, _r->Cpl);
        return Next(in instruction);
    }

    /// <summary>RFLAGS after POPF or IRET at a privilege level; RF and VM end up clear.</summary>
    private ulong MergeFlags(ulong value, int size, int cpl)
    {
        ulong mask = Rflags.Status | Rflags.TF | Rflags.DF | Rflags.NT;
        if (size > 2)
        {
            mask |= Rflags.AC | Rflags.ID;
        }

        if (cpl <= IoPrivilege)
        {
            mask |= Rflags.IF;
        }

        if (cpl == 0)
        {
            mask |= Rflags.IOPL;
        }

        return (_r->Rflags & ~(mask | Rflags.RF | Rflags.VM)) | (value & mask) | Rflags.Fixed;
    }

    private int IoPrivilege => (int)(_r->Rflags >> 12) & 3;
}
