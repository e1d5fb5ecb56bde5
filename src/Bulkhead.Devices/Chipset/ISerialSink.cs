namespace Bulkhead.Devices.Chipset;

/// <summary>Where the bytes go that a guest sends on a serial line.</summary>
/// <remarks><i>Threading</i>: called on a vCPU's thread with the port's lock held, so in the guest's order; must be quick.</remarks>
public interface ISerialSink
{
    /// <summary>Takes the bytes; they are not valid after the call.</summary>
    void Write(ReadOnlySpan<byte> data);
}
