using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

/// <summary>What the encoding of a string instruction says, and how much of it is to be done in one go.</summary>
internal ref struct StringShape
{
    /// <summary>Bytes per element.</summary>
    public int Size;

    /// <summary>2, 4 or 8: the width of RSI, RDI and RCX.</summary>
    public int AddressSize;

    /// <summary>The largest offset of that width.</summary>
    public ulong Mask;

    /// <summary>The segment of the source operand.</summary>
    public Register Segment;

    /// <summary>EFLAGS.DF.</summary>
    public bool Down;

    /// <summary>A REP prefix of any kind stands before it.</summary>
    public bool Repeat;

    /// <summary>The REPNE prefix stands before it.</summary>
    public bool UntilEqual;

    /// <summary>Elements still to do.</summary>
    public ulong Count;

    /// <summary>Elements this call may still do, so that interrupts get in between.</summary>
    public int Budget;
}
