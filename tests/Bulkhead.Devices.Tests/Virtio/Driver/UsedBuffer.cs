namespace Bulkhead.Devices.Tests.Virtio.Driver;

/// <summary>A buffer the device gave back.</summary>
internal readonly record struct UsedBuffer(int Id, uint Written);
