using Bulkhead.Devices.Backends.Limits;
using Bulkhead.Devices.Backends.Net;
using Bulkhead.Devices.Virtio.Net;

namespace Bulkhead.Machine.Devices;

/// <summary>A network card of a domain.</summary>
/// <param name="Backend">Where its frames go.</param>
/// <param name="Mac">Its address.</param>
/// <param name="Capture">Who looks on.</param>
/// <param name="Cable">Its cable.</param>
/// <param name="Limit">How much it carries, each way.</param>
internal sealed record NetCard(INetBackend Backend, byte[] Mac, FrameCapture Capture, CardCable Cable, RateLimit Limit);
