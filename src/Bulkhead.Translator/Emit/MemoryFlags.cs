namespace Bulkhead.Translator.Emit;

/// <summary>What the slow path needs to know of a memory operand beside address and size.</summary>
[Flags]
internal enum MemoryFlags : byte
{
    /// <summary>A read.</summary>
    None = 0,

    /// <summary>A write, or read and write.</summary>
    Write = 1,

    /// <summary>The operand must be aligned to 16 bytes.</summary>
    Aligned16 = 2,

    /// <summary>The operand must be aligned to 32 bytes.</summary>
    Aligned32 = 4,

    /// <summary>Through SS: a non-canonical address is #SS.</summary>
    Stack = 8,

    /// <summary>The code is a transient block that can pass operands through the bounce buffer.</summary>
    Transient = 16,

    /// <summary>A write that reads the operand first.</summary>
    ReadsToo = 32,

    /// <summary>The instruction waits for the x87: an exception pending there comes before any of the operand's.</summary>
    WaitsForX87 = 64,

    /// <summary>What follows uses the host address up to the page's end.</summary>
    WholePage = 128,
}
