namespace Bulkhead.X86.Instructions;

/// <summary>How the translator treats an instruction.</summary>
public enum InstructionClass : byte
{
    /// <summary>Not offered: #UD.</summary>
    Absent,

    /// <summary>Carried over by re-encoding; touches exactly the registers and the ModRM operand it names.</summary>
    Carried,

    /// <summary>Its memory footprint is not ModRM plus size, or it has several memory operands.</summary>
    Footprint,

    /// <summary>Control flow, stack, segments, flags transfer.</summary>
    Control,

    /// <summary>System instructions and everything that would read host state.</summary>
    System,
}
