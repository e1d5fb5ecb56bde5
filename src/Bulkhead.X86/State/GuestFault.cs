namespace Bulkhead.X86.State;

/// <summary>An exception the guest is to receive: a value, never a C# exception.</summary>
/// <remarks><i>Source</i>: Intel SDM Vol. 3A, 6.15 Exception and Interrupt Reference.</remarks>
public readonly record struct GuestFault(byte Vector, uint ErrorCode, bool HasErrorCode, ulong Address)
{
    /// <summary>#DE.</summary>
    public const byte DivideError = 0;

    /// <summary>#DB.</summary>
    public const byte Debug = 1;

    /// <summary>NMI.</summary>
    public const byte Nmi = 2;

    /// <summary>#BP.</summary>
    public const byte Breakpoint = 3;

    /// <summary>#UD.</summary>
    public const byte InvalidOpcode = 6;

    /// <summary>#NM.</summary>
    public const byte DeviceNotAvailable = 7;

    /// <summary>#DF.</summary>
    public const byte DoubleFault = 8;

    /// <summary>#TS.</summary>
    public const byte InvalidTss = 10;

    /// <summary>#NP.</summary>
    public const byte SegmentNotPresent = 11;

    /// <summary>#SS.</summary>
    public const byte StackFault = 12;

    /// <summary>#GP.</summary>
    public const byte GeneralProtection = 13;

    /// <summary>#PF.</summary>
    public const byte PageFaultVector = 14;

    /// <summary>#MF.</summary>
    public const byte X87Error = 16;

    /// <summary>#AC.</summary>
    public const byte AlignmentCheck = 17;

    /// <summary>#XM.</summary>
    public const byte SimdError = 19;

    /// <summary>A fault without an error code.</summary>
    public static GuestFault Plain(byte vector) => new(vector, 0, false, 0);

    /// <summary>A fault with an error code.</summary>
    public static GuestFault WithCode(byte vector, uint errorCode) => new(vector, errorCode, true, 0);

    /// <summary>#GP(0) or #GP(selector).</summary>
    public static GuestFault Gp(uint errorCode = 0) => WithCode(GeneralProtection, errorCode);

    /// <summary>#UD.</summary>
    public static GuestFault Ud => Plain(InvalidOpcode);

    /// <summary>#PF with the address for CR2.</summary>
    public static GuestFault PageFault(ulong address, uint errorCode) => new(PageFaultVector, errorCode, true, address);
}
