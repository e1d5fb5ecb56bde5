namespace Bulkhead.Machine.Domains;

/// <summary>Takes what a guest prints on its first serial port.</summary>
/// <remarks><i>Threading</i>: on a vCPU's thread, in the guest's order; must be quick. The bytes are not valid after the call.</remarks>
public delegate void SerialOutput(ReadOnlySpan<byte> data);
