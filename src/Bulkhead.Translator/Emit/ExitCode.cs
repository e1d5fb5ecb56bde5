namespace Bulkhead.Translator.Emit;

/// <summary>Why translated code left: of the <see cref="ExitWord"/> in r11.</summary>
internal enum ExitCode : byte
{
    /// <summary>Go on at guest RIP r10; nothing to remember (turn ended, return stack full, indirect miss).</summary>
    Dispatch,

    /// <summary>A direct jump to guest RIP r10 is not linked, or its page not in the code TLB; bits 8-31: edge number.</summary>
    Edge,

    /// <summary>The indirect target r10 is not in the jump cache.</summary>
    Indirect,

    /// <summary>The data TLB missed for address r10; bits 8-15 size, 16-23 <see cref="MemoryFlags"/>, 24-31 instruction index.</summary>
    Memory,

    /// <summary>Write the bounce buffer back; then go on.</summary>
    Commit,

    /// <summary>The instruction at guest RIP r10 is for the interpreter; bits 8-31: its number.</summary>
    Interpret,

    /// <summary>As <see cref="Interpret"/>, in the middle of a block, which goes on where it left if it still may.</summary>
    InterpretWithin,

    /// <summary>The instruction at guest RIP r10 raises the exception of bits 8-15.</summary>
    Raise,

    /// <summary>An instruction at host address <c>TrapAddress</c> trapped.</summary>
    Trap,

    /// <summary>The block's last instruction, at guest RIP r10, is to begin again: it ends in another page than it was translated
    /// from, or somebody kicked in its middle.</summary>
    Again,

    /// <summary>The instruction at guest RIP r10 is to be run by itself.</summary>
    Alone,

    /// <summary>A limit check failed before going on to guest RIP r10.</summary>
    Limit,
}
