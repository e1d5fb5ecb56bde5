using Bulkhead.X86.State;

namespace Bulkhead.X86.Segmentation;

/// <summary>A segment descriptor as it lies in the GDT or LDT.</summary>
/// <remarks>
/// <code>
/// 63     56 55 54 53 52  51     48 47 46-45 44 43  40 39         16 15       0
/// base31-24 G  DB L  AVL lim19-16  P  DPL   S  type   base23-0      limit15-0
/// </code>
/// <i>Source</i>: Intel SDM Vol. 3A, 3.4.5 Segment Descriptors; 8.2.3 for the upper half of system descriptors in IA-32e mode.
/// </remarks>
public readonly record struct Descriptor(ulong Value, uint BaseHigh = 0)
{
    /// <summary>The accessed flag of code and data descriptors.</summary>
    public const ulong Accessed = 1ul << 40;

    /// <summary>The busy flag of TSS descriptors.</summary>
    public const ulong Busy = 1ul << 41;

    /// <summary>The type field.</summary>
    public uint Type => (uint)(Value >> 40) & 0xF;

    /// <summary>Code or data (S set), not a system descriptor.</summary>
    public bool IsCodeOrData => (Value & (1ul << 44)) != 0;

    /// <summary>A code segment.</summary>
    public bool IsCode => IsCodeOrData && (Type & 8) != 0;

    /// <summary>A data segment.</summary>
    public bool IsData => IsCodeOrData && (Type & 8) == 0;

    /// <summary>A conforming code segment.</summary>
    public bool IsConforming => IsCode && (Type & 4) != 0;

    /// <summary>A data segment that may be written.</summary>
    public bool IsWritableData => IsData && (Type & 2) != 0;

    /// <summary>A data segment, or a code segment that may be read.</summary>
    public bool IsReadable => IsData || (IsCode && (Type & 2) != 0);

    /// <summary>The descriptor privilege level.</summary>
    public int Dpl => (int)(Value >> 45) & 3;

    /// <summary>Present.</summary>
    public bool Present => (Value & (1ul << 47)) != 0;

    /// <summary>64-bit code.</summary>
    public bool Long => (Value & (1ul << 53)) != 0;

    /// <summary>D/B.</summary>
    public bool Big => (Value & (1ul << 54)) != 0;

    /// <summary>The base.</summary>
    public ulong Base => ((Value >> 16) & 0xFF_FFFF) | ((Value >> 32) & 0xFF00_0000) | ((ulong)BaseHigh << 32);

    /// <summary>The limit in bytes, granularity applied.</summary>
    public uint Limit
    {
        get
        {
            uint limit = (uint)(Value & 0xFFFF) | ((uint)(Value >> 32) & 0xF_0000);
            return (Value & (1ul << 55)) != 0 ? (limit << 12) | 0xFFF : limit;
        }
    }

    /// <summary>The segment register this descriptor loads.</summary>
    public Segment ToSegment(ushort selector) => new()
    {
        Base = Base,
        Limit = Limit,
        Access = (uint)(Value >> 40) & 0xF0FF,
        Selector = selector,
    };
}
