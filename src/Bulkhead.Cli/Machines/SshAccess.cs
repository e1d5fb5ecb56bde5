using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Bulkhead.Images;
using Bulkhead.Machine.Devices;

namespace Bulkhead.Cli.Machines;

/// <summary>How the host gets into a guest that an image with a disk makes: a port of its own, and the words to type.</summary>
/// <param name="Net">The guest's network card.</param>
/// <param name="Words">The command.</param>
internal sealed record SshAccess(NetRequest Net, string Words)
{
    private const ushort Usual = 2222;
    private const ushort Ssh = 22;

    /// <summary>Finds a port that is free now and says how to use it.</summary>
    internal static SshAccess Find(GuestImage image)
    {
        ushort port = FreePort();
        string key = image.SshKeyPaths.Count > 0 ? $" -i {image.SshKeyPaths[0]}" : string.Empty;

        // Each guest has a host key of its own, and they all are to be found at this address.
        string hosts = image.IsPrivate
            ? $"-o UserKnownHostsFile={Path.Combine(Path.GetDirectoryName(image.KernelPath) ?? "/", "known_hosts")}"
            : "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null";
        return new SshAccess(
            new NetRequest { Forwards = [new PortForward(Udp: false, IPAddress.Loopback, port, Ssh)] },
            string.Create(CultureInfo.InvariantCulture, $"ssh{key} -p {port} {hosts} root@127.0.0.1"));
    }

    private static ushort FreePort()
    {
        try
        {
            return Listen(Usual);
        }
        catch (SocketException)
        {
            return Listen(0);
        }
    }

    private static ushort Listen(ushort port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        listener.Start();
        return (ushort)((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
