using System.Security.Cryptography;
using Bulkhead.Core.Time;
using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Devices.Backends.Disks.Opening;
using Bulkhead.Devices.Backends.Files;
using Bulkhead.Devices.Backends.Net;
using Bulkhead.Devices.Backends.Ports;
using Bulkhead.Devices.Channels;
using Bulkhead.Devices.Display;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Virtio.Entropy;
using Bulkhead.Devices.Virtio.Vsock;
using Bulkhead.Host;
using Bulkhead.Host.Memory;
using Bulkhead.Host.Network;
using Bulkhead.Host.Threads;
using Bulkhead.Machine.Time;

namespace Bulkhead.Machine.Devices;

/// <summary>What stands behind the devices of a domain for one life: they keep it over a reset.</summary>
/// <remarks><i>Threading</i>: the control thread.</remarks>
internal sealed class DomainDevices : IDisposable
{
    private const int UncachedUnitBytes = 4096;
    private const int UncachedHelpers = 3; // each request waits for the storage, which does better with several to do

    private readonly List<(IDisk Disk, DiskRequest Request)> _disks = [];
    private readonly List<NetCard> _nets = [];
    private readonly List<SharedFolder> _shares = [];
    private readonly List<HostPort> _ports = [];
    private readonly List<IDisposable> _ofHost = [];
    private readonly string _domain;
    private readonly bool _immediate;
    private readonly Lingering? _lingering;

    private DomainDevices(string domain, IReadOnlyList<ChannelMember> channels, bool immediate, Lingering? lingering) =>
        (_domain, Channels, _immediate, _lingering) = (domain, channels, immediate, lingering);

    /// <summary>The disks in order.</summary>
    internal IReadOnlyList<(IDisk Disk, DiskRequest Request)> Disks => _disks;

    /// <summary>The network cards in order.</summary>
    internal IReadOnlyList<NetCard> Nets => _nets;

    /// <summary>The folders of the host in order.</summary>
    internal IReadOnlyList<SharedFolder> Shares => _shares;

    /// <summary>The host's end of its console, or null.</summary>
    internal HostPort? Console { get; private set; }

    /// <summary>The host's ends of ports with names.</summary>
    internal IReadOnlyList<HostPort> Ports => _ports;

    /// <summary>Its parts in channels.</summary>
    internal IReadOnlyList<ChannelMember> Channels { get; }

    /// <summary>Where random bytes come from, or null where it has no device for them.</summary>
    internal RandomFill? Random { get; private init; }

    /// <summary>Whether it gives back memory it has no use for.</summary>
    internal bool Balloon { get; private init; }

    /// <summary>Its display, or null.</summary>
    internal DisplayRequest? Display { get; private init; }

    /// <summary>The display's memory, which keeps what it shows over a reset; null where it has no display.</summary>
    internal SharedMemory? Frame { get; private init; }

    /// <summary>Where its sockets lead, or null.</summary>
    internal VsockEndpoint? Vsock { get; private init; }

    /// <summary>Opens everything.</summary>
    /// <param name="request">Which devices.</param>
    /// <param name="links">What connects it with others.</param>
    /// <param name="random">Where random bytes come from that must be the same every time; null: from the host.</param>
    /// <param name="immediate">Whether they answer at once, on the vCPU's own thread.</param>
    /// <param name="lingering">How their threads look for more to do before they sleep.</param>
    /// <param name="note">Takes what an operator should know of them; from any thread.</param>
    internal static DomainDevices Open(DomainRequest request, DomainLinks links, SeededRandom? random, bool immediate, Lingering? lingering, Action<string> note)
    {
        var devices = new DomainDevices(request.Name, links.Channels, immediate, lingering)
        {
            Balloon = request.Balloon,
            Random = !request.Entropy ? null : random is not null ? random.Fill : RandomNumberGenerator.Fill,
            Vsock = links.Vsock,
            Display = request.Display,
            Frame = request.Display is { } d ? SharedMemory.Create($"{request.Name} display", DisplayLimits.MemoryBytes(d.Width, d.Height)) : null,
        };
        try
        {
            foreach (DiskRequest disk in request.Disks)
            {
                devices._disks.Add((disk.Open(devices.SayOnce(disk, note)), disk));
            }

            if (immediate && links.Ports.Contains(null))
            {
                throw new OperatorException($"{request.Name}: the host's network has no place where time is made of instructions: what comes from it would come at another time every time.", 2);
            }

            if (immediate && links.Vsock is not null)
            {
                throw new OperatorException($"{request.Name}: sockets have no place where time is made of instructions: what comes through them would come at another time every time.", 2);
            }

            if (immediate && request.Shares.Count > 0)
            {
                throw new OperatorException($"{request.Name}: a folder of the host has no place where time is made of instructions: what the host does with it would come at another time every time.", 2);
            }

            if (immediate && (request.Console is not null || request.Ports.Count > 0))
            {
                throw new OperatorException($"{request.Name}: a console that leads to the host has no place where time is made of instructions: what comes from it would come at another time every time.", 2);
            }

            if (request.Ports.GroupBy(static p => p.Name).FirstOrDefault(static g => g.Count() > 1) is { } named)
            {
                throw new OperatorException($"{request.Name}: two of its ports are called {named.Key}; give one of them another name.", 2);
            }

            if (request.Ports.Count > PortRequest.Most)
            {
                throw new OperatorException($"{request.Name}: {request.Ports.Count} ports are more than a console has; give at most {PortRequest.Most}.", 2);
            }

            devices.Console = request.Console?.Open(request.ConsoleOutput);
            foreach (PortRequest port in request.Ports)
            {
                devices._ports.Add(port.Open());
            }

            if (request.Shares.GroupBy(static s => s.Tag).FirstOrDefault(static g => g.Count() > 1) is { } twice)
            {
                throw new OperatorException($"{request.Name}: two of its folders have the tag {twice.Key}; give one of them another, by tag=.", 2);
            }

            foreach (ShareRequest share in request.Shares)
            {
                devices._shares.Add(share.Open(request.MemoryBytes, links.Descriptors));
            }

            for (int i = 0; i < request.Nets.Count; i++)
            {
                NetRequest net = request.Nets[i];
                INetBackend backend = links.Ports[i] is { } port ? port : net.Network == NetRequest.Tap ? devices.OpenTap(net) : devices.StartPasst(net);
                devices._nets.Add(new NetCard(backend, net.MacOf(request.Name, i), links.Captures[i], links.Cables[i], net.Limit?.ToRate() ?? DeviceLimit.None));
            }

            return devices;
        }
        catch
        {
            devices.Dispose();
            throw;
        }
    }

    /// <summary>Makes a disk larger; how many bytes it has then.</summary>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/>.</remarks>
    internal long GrowDisk(int number, Func<long, long> sizeOf)
    {
        if ((uint)number >= (uint)_disks.Count)
        {
            throw new OperatorException($"{_domain} has no disk {number}; it has {(_disks.Count == 0 ? "none" : $"{_disks.Count}, numbered from 0")}.", 2);
        }

        (IDisk disk, DiskRequest request) = _disks[number];
        long size = sizeOf(disk.SizeBytes);
        return size < disk.SizeBytes
                ? throw new OperatorException($"{request.Path} has {disk.SizeBytes} bytes, and is not made smaller while a guest has it.", 2)
            : request.Uncached && size % UncachedUnitBytes != 0
                ? throw new OperatorException($"{request.Path} passes the host's cache by, so its size must be a multiple of {UncachedUnitBytes}.", 2)
            : DiskWork.Resize(disk, request.Path, size);
    }

    /// <summary>Where a device works; whoever asks disposes it.</summary>
    internal IDeviceExecutor NewExecutor(string device, ITimerQueue timers) => NewThreads(device, timers, helpers: 0);

    /// <summary>Where a queue of a disk is served; whoever asks disposes it.</summary>
    internal IDeviceExecutor NewExecutor(DiskRequest disk, ITimerQueue timers) => NewThreads("disk", timers, disk.Uncached ? UncachedHelpers : 0);

    /// <summary>The thread of a network card; whoever asks disposes it.</summary>
    internal IDeviceExecutor NewExecutor(NetCard net) => net.Backend.CreateExecutor($"net {_domain}");

    /// <summary>The thread of a device that watches sockets; whoever asks disposes it, and then the set.</summary>
    internal PollExecutor NewExecutor(string device, PollSet sockets) => new($"{device} {_domain}", sockets.Handle) { Interest = PollEvents.Readable };

    // The guest sees that its requests fail, but not why.
    private Action<HostFailure> SayOnce(DiskRequest disk, Action<string> note)
    {
        int said = 0;
        return failure =>
        {
            if (Interlocked.Exchange(ref said, 1) == 0)
            {
                string file = failure.File == disk.Path ? string.Empty : $" stands on {failure.File}, which";
                note($"{_domain}: disk {disk.Path}{file} {failure.Words} The guest gets I/O errors until that is mended, and may have to be started again.");
            }
        };
    }

    private IDeviceExecutor NewThreads(string device, ITimerQueue timers, int helpers) =>
        _immediate ? new ImmediateExecutor(timers) : new ThreadExecutor($"{device} {_domain}", _lingering, helpers);

    private FrameStream StartPasst(NetRequest net)
    {
        var passt = Passt.Start(net, _domain);
        _ofHost.Add(passt);
        return passt.Frames;
    }

    private TapBackend OpenTap(NetRequest net)
    {
        var tap = new TapBackend(TapDevice.Open(net.Device));
        _ofHost.Add(tap);
        return tap;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IDisposable net in _ofHost)
        {
            net.Dispose();
        }

        foreach ((IDisk disk, _) in _disks)
        {
            disk.Dispose();
        }

        foreach (SharedFolder share in _shares)
        {
            share.Dispose();
        }

        Console?.Dispose();
        foreach (HostPort port in _ports)
        {
            port.Dispose();
        }

        Frame?.Dispose();
    }
}
