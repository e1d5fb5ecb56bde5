namespace Bulkhead.Devices.Virtio.Entropy;

/// <summary>Fills bytes, a multiple of 8, with ones nobody can tell in advance, or with the same ones every time where that is wanted.</summary>
/// <remarks><i>Threading</i>: the device's executor.</remarks>
public delegate void RandomFill(Span<byte> bytes);
