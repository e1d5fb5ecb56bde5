namespace Bulkhead.Guests.Tests.Harness;

/// <summary>Where things lie in a test guest's RAM and which selectors its GDT has.</summary>
internal static class Layout
{
    /// <summary>RAM in bytes.</summary>
    public const ulong Ram = 16 << 20;

    /// <summary>Where 16-bit code goes.</summary>
    public const ulong RealCode = 0x7000;

    /// <summary>The descriptor tables and, 256 bytes apart, a TSS for each vCPU.</summary>
    public const ulong Gdt = 0x1_0000, Idt = 0x1_1000, Tss = 0x1_2000, Idt32 = 0x1_8000;

    /// <summary>The default handlers: 16 bytes a vector, then what they share.</summary>
    public const ulong Stubs = 0x1_3000, Handler = 0x1_4000, Stubs32 = 0x1_9000, Handler32 = 0x1_A000;

    /// <summary>Where handlers go on, and how many events they logged.</summary>
    public const ulong Fixups = 0x1_C000, EventCount = 0x1_7000;

    /// <summary>The log, 256 bytes an event.</summary>
    public const ulong Events = 0x2_0000;

    /// <summary>The most events.</summary>
    public const int MostEvents = 1024;

    /// <summary>Per vCPU: RSP0 and IST1-IST3, a page each, growing down from the page's end.</summary>
    public const ulong HandlerStacks = 0x6_0000;

    /// <summary>Per vCPU: the stack of the code under test, two pages.</summary>
    public const ulong Stacks = 0x8_0000;

    /// <summary>Where page tables are taken from.</summary>
    public const ulong Tables = 0x20_0000;

    /// <summary>Where 64-bit code goes.</summary>
    public const ulong Code = 0x40_0000;

    /// <summary>Where 32-bit code goes.</summary>
    public const ulong Code32 = 0x50_0000;

    /// <summary>Where guests keep what they found.</summary>
    public const ulong Data = 0x60_0000;

    /// <summary>RAM that nothing else uses, from here to the end.</summary>
    public const ulong Free = 0x80_0000;

    /// <summary>All RAM once more, for user code.</summary>
    public const ulong User = 0x4000_0000;

    /// <summary>Nothing is mapped here.</summary>
    public const ulong Absent = 0x7000_0000;

    /// <summary>Virtual addresses for the test's own pages.</summary>
    public const ulong Own = 0x10_0000_0000;

    /// <summary>The test's own device (<see cref="TestDevice"/>), mapped at its physical address.</summary>
    public const ulong Device = 0xD000_0000;

    /// <summary>The local APIC and the I/O APIC.</summary>
    public const ulong LocalApic = 0xFEE0_0000, IoApic = 0xFEC0_0000;

    /// <summary>The end of the stack of user code.</summary>
    public const ulong UserStack = User + Data + 0x1_0000;

    /// <summary>An interrupt vector that ends the guest well, also from CPL 3.</summary>
    public const byte ExitVector = 0xFE;

    /// <summary>The code behind <see cref="ExitVector"/>.</summary>
    public const ulong ExitCode = 0x1_B000;

    /// <summary>Selectors; user ones with RPL 3.</summary>
    public const ushort Code32Cs = 0x08, KernelCs = 0x10, KernelDs = 0x18, User32Cs = 0x23, UserDs = 0x2B, UserCs = 0x33,
        Code16Cs = 0x38, Data16Ds = 0x40, TssSelector = 0x60;

    /// <summary>The first selector a test may define for itself.</summary>
    public const ushort OwnSelector = 0x100;

    /// <summary>The end of a vCPU's stack for the code under test.</summary>
    public static ulong StackOf(int vcpu) => Stacks + (0x2000ul * (ulong)(vcpu + 1));
}
