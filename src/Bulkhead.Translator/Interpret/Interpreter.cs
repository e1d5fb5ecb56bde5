using Bulkhead.Core.Memory;
using Bulkhead.X86.Cpuid;
using Bulkhead.X86.Engine;
using Bulkhead.X86.Msrs;
using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

/// <summary>Executes, in C#, the instructions that translated code leaves to it: system, segments, far transfers, strings, wide footprints.</summary>
/// <remarks>
/// <para>Called with the architectural state whole in <see cref="Registers"/>, RIP at the instruction. Translates every
/// address first, then performs; a fault leaves the state as it was.</para>
/// <para><i>Threading</i>: the vCPU's thread. No allocation.</para>
/// </remarks>
internal sealed unsafe partial class Interpreter(
    Registers* registers, GuestMemory memory, ITlbControl tlb, IFpuState fpu, ExitCounters exits, CpuidPolicy cpuid)
{
    /// <summary>Every so many PAUSEs are one that spins: far more than a lock takes whose holder runs, far less than a turn.</summary>
    internal const int PausesOfSpin = 256;

    private readonly Registers* _r = registers;
    private readonly GuestMemory _memory = memory;
    private readonly ITlbControl _tlb = tlb;
    private readonly IFpuState _fpu = fpu;
    private readonly ExitCounters _exits = exits;
    private readonly CpuidPolicy _cpuid = cpuid;

    /// <summary>What <see cref="Registers.InterruptShadow"/> becomes when the current instruction is done.</summary>
    private byte _shadow;

    private uint _pauses;

    /// <summary>The exception of the last <see cref="InterpretResult.Fault"/>.</summary>
    internal GuestFault Fault { get; private set; }

    /// <summary>What the last <see cref="InterpretResult.Unsupported"/> was.</summary>
    internal string? Unsupported { get; private set; }

    /// <summary>The breakpoints of DR0-DR3.</summary>
    internal Breakpoints Breakpoints { get; } = new(registers);

    /// <summary>The MSRs that <see cref="Registers"/> does not hold.</summary>
    internal MsrFile Msrs { get; } = new(cpuid);

    /// <summary>Executes one decoded instruction.</summary>
    internal InterpretResult Execute(in Instruction instruction, ICpuIo io)
    {
        Io = io;
        _shadow = 0;
        _r->Rflags &= ~Rflags.RF; // RF covers one instruction; its faults push it set anyway
        InterpretResult result = Dispatch(in instruction);
        if (result is InterpretResult.Done or InterpretResult.Halt or InterpretResult.Spin)
        {
            _r->InterruptShadow = _shadow;
        }

        return result;
    }

    /// <summary>The instruction is complete: RIP moves behind it.</summary>
    private InterpretResult Next(in Instruction instruction)
    {
        _r->Rip = NextRip(in instruction);
        return InterpretResult.Done;
    }

    /// <summary>Where the next instruction stands.</summary>
    internal ulong NextRip(in Instruction instruction) => _r->Code64 ? instruction.NextIP : (uint)instruction.NextIP;

    /// <summary>The instruction faults.</summary>
    private InterpretResult Fail(GuestFault fault)
    {
        Fault = fault;
        return InterpretResult.Fault;
    }

    /// <summary>#GP(0).</summary>
    private InterpretResult FailGp() => Fail(GuestFault.Gp());

    /// <summary>#UD.</summary>
    private InterpretResult FailUd() => Fail(GuestFault.Ud);

    /// <summary>The engine does not offer this.</summary>
    private InterpretResult Refuse(string what)
    {
        Unsupported = what;
        return InterpretResult.Unsupported;
    }

    private bool ProtectedMode => (_r->Cr0 & Cr0.PE) != 0;

    private bool Virtual8086 => (_r->Rflags & Rflags.VM) != 0;
}
