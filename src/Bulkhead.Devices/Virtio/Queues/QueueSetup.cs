using Bulkhead.Core.Memory;

namespace Bulkhead.Devices.Virtio.Queues;

/// <summary>Where a driver put a queue.</summary>
/// <param name="Size">How many descriptors it has.</param>
/// <param name="Descriptors">The descriptors, or the packed ring.</param>
/// <param name="Driver">What the driver writes: the available ring, or its event suppression.</param>
/// <param name="Device">What the device writes: the used ring, or its event suppression.</param>
internal readonly record struct QueueSetup(ushort Size, Gpa Descriptors, Gpa Driver, Gpa Device);
