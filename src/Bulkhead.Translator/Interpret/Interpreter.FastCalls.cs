using Bulkhead.X86.Engine;
using Bulkhead.X86.Memory;
using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

/// <remarks><i>Source</i>: AMD APM Vol. 3, SYSCALL, SYSRET, SYSENTER, SYSEXIT; Intel SDM Vol. 2B for the vendor's differences.</remarks>
internal sealed unsafe partial class Interpreter
{
    private const uint Code64Access = 0xA09B, Code32Access = 0xC09B, DataAccessRights = 0xC093, User = 0x60;

    /// <summary>The RFLAGS bits SYSRET takes from R11: all but RF, VM and the reserved ones.</summary>
    internal const ulong SysretFlags = 0x3C_7FD7;

    private InterpretResult Syscall(in Instruction instruction)
    {
        bool legacyOnIntel = !_cpuid.Amd && !_r->Code64;
        if ((_r->Efer & Efer.SCE) == 0 || !ProtectedMode || legacyOnIntel)
        {
            return FailUd();
        }

        _exits.Add(ExitReason.Helper);
        ulong next = NextRip(in instruction);
        ushort selector = (ushort)((_r->Star >> 32) & 0xFFFC);
        _r->Gpr[Rcx] = next;
        if (_r->LongMode)
        {
            _r->Gpr[R11] = _r->Rflags & ~Rflags.RF;
            _r->Rip = _r->Code64 ? _r->Lstar : _r->Cstar;
            _r->Rflags = (_r->Rflags & ~(_r->Sfmask | Rflags.RF)) | Rflags.Fixed;
            SegmentOf(SegmentIndex.Cs) = Flat(selector, Code64Access);
        }
        else
        {
            _r->Rip = (uint)_r->Star;
            _r->Rflags &= ~(Rflags.IF | Rflags.VM | Rflags.RF);
            SegmentOf(SegmentIndex.Cs) = Flat(selector, Code32Access);
        }

        SegmentOf(SegmentIndex.Ss) = Flat((ushort)(selector + 8), DataAccessRights);
        return InterpretResult.Done;
    }

    private InterpretResult Sysret(bool to64)
    {
        bool legacyOnIntel = !_cpuid.Amd && !_r->Code64;
        if ((_r->Efer & Efer.SCE) == 0 || !ProtectedMode || legacyOnIntel)
        {
            return FailUd();
        }

        // AMD does not look at RCX; the user code's first fetch faults instead.
        if (!Privileged() || (to64 && !_cpuid.Amd && !Canonical.Is(_r->Gpr[Rcx])))
        {
            return FailGp();
        }

        _exits.Add(ExitReason.Helper);
        ushort selector = (ushort)((_r->Star >> 48) | 3);
        if (to64 && _r->LongMode)
        {
            _r->Rip = _r->Gpr[Rcx];
            SegmentOf(SegmentIndex.Cs) = Flat((ushort)(selector + 16), Code64Access | User);
        }
        else
        {
            _r->Rip = (uint)_r->Gpr[Rcx];
            SegmentOf(SegmentIndex.Cs) = Flat(selector, Code32Access | User);
        }

        _r->Rflags = _r->LongMode ? (_r->Gpr[R11] & SysretFlags) | Rflags.Fixed : _r->Rflags | Rflags.IF;
        SegmentOf(SegmentIndex.Ss) = Flat((ushort)(selector + 8), DataAccessRights | User);
        return InterpretResult.Done;
    }

    private InterpretResult Sysenter()
    {
        if (_r->LongMode && _cpuid.Amd)
        {
            return FailUd();
        }

        ushort selector = (ushort)(_r->SysenterCs & 0xFFFC);
        if (!ProtectedMode || selector == 0)
        {
            return FailGp();
        }

        _exits.Add(ExitReason.Helper);
        _r->Rflags &= ~(Rflags.IF | Rflags.VM | Rflags.RF);
        _r->Rip = _r->LongMode ? _r->SysenterEip : (uint)_r->SysenterEip;
        _r->Gpr[Rsp] = _r->LongMode ? _r->SysenterEsp : (uint)_r->SysenterEsp;
        SegmentOf(SegmentIndex.Cs) = Flat(selector, _r->LongMode ? Code64Access : Code32Access);
        SegmentOf(SegmentIndex.Ss) = Flat((ushort)(selector + 8), DataAccessRights);
        return InterpretResult.Done;
    }

    private InterpretResult Sysexit(bool to64)
    {
        if (_r->LongMode && _cpuid.Amd)
        {
            return FailUd();
        }

        ushort selector = (ushort)(_r->SysenterCs & 0xFFFC);
        ulong rip = _r->Gpr[Rdx], rsp = _r->Gpr[Rcx];
        if (!ProtectedMode || selector == 0 || !Privileged() || (to64 && !(Canonical.Is(rip) && Canonical.Is(rsp))))
        {
            return FailGp();
        }

        _exits.Add(ExitReason.Helper);
        selector = (ushort)((selector + (to64 ? 32 : 16)) | 3);
        _r->Rip = to64 ? rip : (uint)rip;
        _r->Gpr[Rsp] = to64 ? rsp : (uint)rsp;
        SegmentOf(SegmentIndex.Cs) = Flat(selector, (to64 ? Code64Access : Code32Access) | User);
        SegmentOf(SegmentIndex.Ss) = Flat((ushort)(selector + 8), DataAccessRights | User);
        return InterpretResult.Done;
    }
}
