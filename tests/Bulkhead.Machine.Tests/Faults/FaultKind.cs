namespace Bulkhead.Machine.Tests.Faults;

/// <summary>What goes wrong.</summary>
public enum FaultKind
{
    /// <summary>An exception with no way to report it.</summary>
    TripleFault,

    /// <summary>HLT with interrupts off.</summary>
    HaltForGood,

    /// <summary>A circle with interrupts off.</summary>
    EndlessLoop,

    /// <summary>A jump to where no code is, or no memory, or no address.</summary>
    JumpToNowhere,

    /// <summary>The page tables are random bytes.</summary>
    PageTablesOverwritten,

    /// <summary>GDT and IDT are random bytes.</summary>
    DescriptorsDestroyed,

    /// <summary>Random bytes are run.</summary>
    RandomCode,

    /// <summary>The stack lies in a device's registers.</summary>
    StackOnDevice,

    /// <summary>All RAM is filled, the code that does it too.</summary>
    MemoryFilled,

    /// <summary>Serial output without end, and random values in the port's registers.</summary>
    SerialFlood,

    /// <summary>Random accesses to ports.</summary>
    PortFlood,

    /// <summary>Random accesses to devices in memory.</summary>
    MmioFlood,

    /// <summary>Random values in the registers of local APIC and I/O APIC.</summary>
    ApicRandom,

    /// <summary>Every timer as often as it can.</summary>
    TimerStorm,

    /// <summary>Random MSRs.</summary>
    MsrFlood,

    /// <summary>Random control and debug registers.</summary>
    ControlRandom,

    /// <summary>String instructions that run over devices.</summary>
    StringsOverDevices,

    /// <summary>One reset, by any of the ways.</summary>
    Reset,

    /// <summary>INIT to itself.</summary>
    Init,

    /// <summary>Prints the words of a panic, and halts or resets.</summary>
    Panic,

    /// <summary>Powers off.</summary>
    PowerOff,

    /// <summary>Something the engine does not offer.</summary>
    Unsupported,

    /// <summary>Bits of general and vector registers, RIP and RFLAGS turn over.</summary>
    FlippedRegisters,

    /// <summary>Bits of code and data turn over.</summary>
    FlippedRam,

    /// <summary>Bits of the page tables turn over.</summary>
    FlippedPageTables,

    /// <summary>Bits of control registers and MSRs turn over.</summary>
    FlippedControl,

    /// <summary>Bits of segment registers and descriptor table registers turn over.</summary>
    FlippedSegments,

    /// <summary>An access to a device throws.</summary>
    DeviceThrows,

    /// <summary>A timer throws.</summary>
    TimerThrows,

    /// <summary>The engine stops with an error.</summary>
    EngineStops,

    /// <summary>The engine throws.</summary>
    EngineThrows,

    /// <summary>The kernel's file is gone or another when it is started again.</summary>
    FileGoneAtStart,

    /// <summary>The kernel's file is gone or another when the guest resets.</summary>
    FileGoneAtReset,
}
