namespace Bulkhead.Devices.Virtio.Vsock;

/// <summary>By what a device knows a connection of its guest.</summary>
/// <param name="Cid">Who the other one is.</param>
/// <param name="Port">The other one's port.</param>
/// <param name="GuestPort">The guest's port.</param>
internal readonly record struct VsockKey(ulong Cid, uint Port, uint GuestPort);
