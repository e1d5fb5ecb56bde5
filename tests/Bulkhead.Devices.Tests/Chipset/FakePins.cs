using Bulkhead.Core.Interrupts;

namespace Bulkhead.Devices.Tests.Chipset;

/// <summary>Remembers levels and counts rising edges.</summary>
internal sealed class FakePins : IInterruptPins
{
    public bool[] Levels { get; } = new bool[64];

    public int[] Edges { get; } = new int[64];

    public InterruptLine Line(int pin) => new(this, pin);

    public void SetPin(int pin, bool high)
    {
        Edges[pin] += high && !Levels[pin] ? 1 : 0;
        Levels[pin] = high;
    }
}
