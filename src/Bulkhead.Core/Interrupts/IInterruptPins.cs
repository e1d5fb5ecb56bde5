namespace Bulkhead.Core.Interrupts;

/// <summary>The input pins of an interrupt controller (PIC, I/O APIC) or of a router in front of several.</summary>
/// <remarks><i>Threading</i>: any thread.</remarks>
public interface IInterruptPins
{
    /// <summary>Sets the level of a pin.</summary>
    void SetPin(int pin, bool high);
}
