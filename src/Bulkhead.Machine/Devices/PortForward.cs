using System.Globalization;
using System.Net;

namespace Bulkhead.Machine.Devices;

/// <summary>A port of the host that leads to one of a guest.</summary>
/// <param name="Udp">UDP instead of TCP.</param>
/// <param name="Address">The host's address it listens at.</param>
/// <param name="HostPort">The host's port.</param>
/// <param name="GuestPort">The guest's port.</param>
public sealed record PortForward(bool Udp, IPAddress Address, ushort HostPort, ushort GuestPort)
{
    /// <summary>How it is written.</summary>
    public const string Form = "tcp|udp:[ADDRESS:]PORT-:PORT";

    /// <summary>Reads one; null where the text is not one. Without an address it listens at 127.0.0.1.</summary>
    internal static PortForward? Parse(string text)
    {
        int kind = text.IndexOf(':', StringComparison.Ordinal);
        int arrow = text.LastIndexOf("-:", StringComparison.Ordinal);
        if (kind < 0 || arrow < kind || text[..kind] is not ("tcp" or "udp"))
        {
            return null;
        }

        string host = text[(kind + 1)..arrow];
        int colon = host.LastIndexOf(':');
        IPAddress? address = IPAddress.Loopback;
        bool right = (colon < 0 || IPAddress.TryParse(host[..colon], out address))
            & TryPort(host[(colon + 1)..], out ushort hostPort)
            & TryPort(text[(arrow + 2)..], out ushort guestPort);
        return right && address is not null ? new PortForward(text[..kind] == "udp", address, hostPort, guestPort) : null;
    }

    private static bool TryPort(string text, out ushort port) => ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port != 0;
}
