namespace Bulkhead.Core.Interrupts;

/// <summary>A wire from a device to whoever listens; the device never learns who.</summary>
public readonly struct InterruptLine(IInterruptPins pins, int pin) : IEquatable<InterruptLine>
{
    private readonly IInterruptPins? _pins = pins;
    private readonly int _pin = pin;

    /// <summary>Drives the wire high or low; repeating a level changes nothing.</summary>
    public void Set(bool high) => _pins?.SetPin(_pin, high);

    /// <summary>Two lines are equal when they are the same wire.</summary>
    public bool Equals(InterruptLine other) => ReferenceEquals(_pins, other._pins) && _pin == other._pin;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is InterruptLine line && Equals(line);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_pins, _pin);

    /// <summary>Equality.</summary>
    public static bool operator ==(InterruptLine left, InterruptLine right) => left.Equals(right);

    /// <summary>Inequality.</summary>
    public static bool operator !=(InterruptLine left, InterruptLine right) => !left.Equals(right);
}
