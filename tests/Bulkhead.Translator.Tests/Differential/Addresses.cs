using Iced.Intel;

namespace Bulkhead.Translator.Tests.Differential;

/// <summary>Linear addresses of a case's operands.</summary>
internal static class Addresses
{
    /// <summary>The address of the ModRM memory operand, before it runs.</summary>
    internal static unsafe ulong Of(Case value)
    {
        Instruction instruction = value.Decode();
        CpuState state = value.State;
        int operand = 0;
        while (operand < instruction.OpCount && instruction.GetOpKind(operand) != OpKind.Memory)
        {
            operand++;
        }

        return instruction.GetVirtualAddress(operand, 0, (register, _, _) => Read(register, state));
    }

    private static unsafe ulong Read(Register register, CpuState state)
    {
        if (register.IsSegmentRegister())
        {
            return 0;
        }

        ulong full = state.Gpr[register.GetFullRegister() - Register.RAX];
        return register.GetSize() switch { 8 => full, 4 => (uint)full, 2 => (ushort)full, _ => (byte)full };
    }
}
