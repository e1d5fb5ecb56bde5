using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Devices.Channels;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Virtio.Entropy;
using Bulkhead.Host;
using Bulkhead.Machine.Time;

namespace Bulkhead.Machine.Devices;

/// <summary>What stands behind the devices of a domain for one life: they keep it over a reset.</summary>
/// <remarks><i>Threading</i>: the control thread.</remarks>
internal sealed class DomainDevices : IDisposable
{
    private readonly List<(IDisk Disk, DiskRequest Request)> _disks = [];
    private readonly List<(Passt Net, byte[] Mac)> _nets = [];
    private readonly string _domain;
    private readonly bool _immediate;

    private DomainDevices(string domain, IReadOnlyList<ChannelMember> channels, bool immediate) => (_domain, Channels, _immediate) = (domain, channels, immediate);

    /// <summary>The disks in order.</summary>
    internal IReadOnlyList<(IDisk Disk, DiskRequest Request)> Disks => _disks;

    /// <summary>The network cards in order, with their addresses.</summary>
    internal IReadOnlyList<(Passt Net, byte[] Mac)> Nets => _nets;

    /// <summary>Its parts in channels.</summary>
    internal IReadOnlyList<ChannelMember> Channels { get; }

    /// <summary>Where random bytes come from, or null where it has no device for them.</summary>
    internal RandomFill? Random { get; private init; }

    /// <summary>Whether it gives back memory it has no use for.</summary>
    internal bool Balloon { get; private init; }

    /// <summary>Opens everything.</summary>
    /// <param name="request">Which devices.</param>
    /// <param name="channels">Its parts in channels, in the order of the shared windows of its memory.</param>
    /// <param name="random">Where random bytes come from that must be the same every time; null: from the host.</param>
    /// <param name="immediate">Whether they answer at once, on the vCPU's own thread.</param>
    internal static DomainDevices Open(DomainRequest request, IReadOnlyList<ChannelMember> channels, SeededRandom? random, bool immediate)
    {
        var devices = new DomainDevices(request.Name, channels, immediate)
        {
            Balloon = request.Balloon,
            Random = !request.Entropy ? null : random is not null ? random.Fill : RandomNumberGenerator.Fill,
        };
        try
        {
            foreach (DiskRequest disk in request.Disks)
            {
                devices._disks.Add((disk.Open(), disk));
            }

            if (immediate && request.Nets.Count > 0)
            {
                throw new OperatorException($"{request.Name}: a network has no place where time is made of instructions: what comes from it would come at another time every time.", 2);
            }

            foreach (NetRequest net in request.Nets)
            {
                devices._nets.Add((Passt.Start(net, request.Name), net.Mac?.ToArray() ?? MacOf(request.Name, devices._nets.Count)));
            }

            return devices;
        }
        catch
        {
            devices.Dispose();
            throw;
        }
    }

    /// <summary>Where a device works; whoever asks disposes it.</summary>
    internal IDeviceExecutor NewExecutor(string device) => _immediate ? new ImmediateExecutor() : new ThreadExecutor($"{device} {_domain}");

    /// <summary>The thread of a network card; whoever asks disposes it.</summary>
    internal PollExecutor NewExecutor(Passt net) => new($"net {_domain}", net.Frames.Handle);

    /// <summary>The same address every time: locally administered, made of the domain's name.</summary>
    private static byte[] MacOf(string domain, int card)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        _ = SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{domain}/{card}")), hash);
        return [0x52, 0x42, .. hash[..4]];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((Passt net, _) in _nets)
        {
            net.Dispose();
        }

        foreach ((IDisk disk, _) in _disks)
        {
            disk.Dispose();
        }
    }
}
