using Bulkhead.Devices.Backends.Net;
using Bulkhead.Devices.Backends.Net.Switching;
using Bulkhead.Devices.Channels;
using Bulkhead.Devices.Virtio.Net;
using Bulkhead.Devices.Virtio.Vsock;
using Bulkhead.Host.Files;

namespace Bulkhead.Machine.Devices;

/// <summary>What connects a domain with others, and with who looks on: it outlives the domain's lives.</summary>
/// <param name="Channels">Its parts in channels, in the order of the shared windows of its memory.</param>
/// <param name="Ports">For each of its network cards where it is connected to a network between domains, or null.</param>
/// <param name="Captures">For each of its network cards.</param>
/// <param name="Cables">Likewise.</param>
/// <param name="Vsock">Where its sockets lead, or null.</param>
/// <param name="Descriptors">What all domains may have open in the host.</param>
internal sealed record DomainLinks(IReadOnlyList<ChannelMember> Channels, IReadOnlyList<SwitchPort?> Ports, IReadOnlyList<FrameCapture> Captures, IReadOnlyList<CardCable> Cables, VsockEndpoint? Vsock, DescriptorBudget Descriptors);
