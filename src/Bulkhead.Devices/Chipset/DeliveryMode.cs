namespace Bulkhead.Devices.Chipset;

/// <summary>What an interrupt message asks its receiver to do.</summary>
/// <remarks><i>Source</i>: Intel SDM Vol. 3A, 11.6.1 Interrupt Command Register (ICR).</remarks>
public enum DeliveryMode
{
    /// <summary>The vector, to every destination.</summary>
    Fixed = 0,

    /// <summary>The vector, to the destination that runs at the lowest priority.</summary>
    LowestPriority = 1,

    /// <summary>System management interrupt; nobody listens here.</summary>
    Smi = 2,

    /// <summary>Reserved.</summary>
    Reserved = 3,

    /// <summary>Non-maskable interrupt.</summary>
    Nmi = 4,

    /// <summary>INIT.</summary>
    Init = 5,

    /// <summary>Start-up.</summary>
    StartUp = 6,

    /// <summary>The vector comes from the PIC.</summary>
    ExtInt = 7,
}
