using Bulkhead.Core.Memory;
using Bulkhead.X86.Engine;
using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

/// <summary>Executes, in C#, the instructions that translated code leaves to it: system, segments, far transfers, strings, wide footprints.</summary>
/// <remarks>
/// <para>Called with the architectural state whole in <see cref="Registers"/>, RIP at the instruction. Translates every
/// address first, then performs; a fault leaves the state as it was.</para>
/// <para><i>Threading</i>: the vCPU's thread. No allocation.</para>
/// </remarks>
internal sealed unsafe partial class Interpreter(Registers* registers, GuestMemory memory, ITlbControl tlb, IFpuState fpu, ExitCounters exits)
{
    private readonly Registers* _r = registers;
    private readonly GuestMemory _memory = memory;
    private readonly ITlbControl _tlb = tlb;
    private readonly IFpuState _fpu = fpu;
    private readonly ExitCounters _exits = exits;

    /// <summary>The exception of the last <see cref="InterpretResult.Fault"/>.</summary>
    internal GuestFault Fault { get; private set; }

    /// <summary>What the last <see cref="InterpretResult.Unsupported"/> was.</summary>
    internal string? Unsupported { get; private set; }

    /// <summary>Executes one decoded instruction.</summary>
    internal InterpretResult Execute(in Instruction instruction, ICpuIo io)
    {
        Fault = GuestFault.Ud;
        return InterpretResult.Fault;
    }
}
