using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Memory;
using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Devices.Backends.Files;
using Bulkhead.Devices.Backends.Limits;
using Bulkhead.Devices.Backends.Net;
using Bulkhead.Devices.Backends.Ports;
using Bulkhead.Devices.Channels;
using Bulkhead.Devices.Display;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Pci;
using Bulkhead.Devices.Virtio.Balloon;
using Bulkhead.Devices.Virtio.Block;
using Bulkhead.Devices.Virtio.Console;
using Bulkhead.Devices.Virtio.Entropy;
using Bulkhead.Devices.Virtio.Fs;
using Bulkhead.Devices.Virtio.Net;
using Bulkhead.Devices.Virtio.Vsock;
using Bulkhead.Host.Threads;

namespace Bulkhead.Devices.Virtio;

/// <summary>Puts devices into PCI slots or register windows, and ends them together.</summary>
/// <param name="slots">Where PCI devices go.</param>
/// <param name="windows">Where others go.</param>
/// <param name="memory">The domain's RAM.</param>
/// <param name="messages">Where their interrupts go.</param>
/// <param name="nowNs">The domain's clock.</param>
/// <remarks><i>Threading</i>: filled while the machine is built; disposed when no vCPU runs.</remarks>
public sealed class PciDevices(PciSlots slots, MmioSlots windows, GuestMemory memory, IInterruptMessages messages, Func<long> nowNs) : IDisposable
{
    private readonly List<VirtioFunction> _functions = [];
    private readonly List<IDeviceExecutor> _executors = [];
    private readonly List<PollSet> _sets = [];
    private readonly List<ChannelPort> _ports = [];
    private readonly List<VirtioBlock> _disks = [];

    /// <summary>Adds a disk with a queue for each executor, which are disposed with it; the disk is not.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="serial">Its serial number.</param>
    /// <param name="mmio">Whether it is found in a register window instead of on PCI.</param>
    /// <param name="limit">How many requests, of how many bytes, it serves.</param>
    /// <param name="executors">Where its queues are served.</param>
    public void AddDisk(IDisk disk, string serial, bool mmio, RateLimit limit, params IReadOnlyList<IDeviceExecutor> executors)
    {
        _executors.AddRange(executors);
        var device = new VirtioBlock(disk, serial, executors, Throttle.Of(limit, nowNs));
        _disks.Add(device);
        Add(device, mmio);
    }

    /// <summary>Tells the driver of a disk, by its number from 0, that it has another size. From any thread.</summary>
    public void NoteResized(int disk) => _disks[disk].NoteResized();

    /// <summary>Adds a network card whose executor is disposed with it; the backend is not.</summary>
    /// <param name="backend">What it is connected to.</param>
    /// <param name="executor">Where it works.</param>
    /// <param name="mac">Its address.</param>
    /// <param name="capture">Who may look on.</param>
    /// <param name="cable">Its cable.</param>
    /// <param name="limit">How much it carries, each way by itself.</param>
    public void AddNet(INetBackend backend, IDeviceExecutor executor, ReadOnlySpan<byte> mac, FrameCapture capture, CardCable cable, RateLimit limit)
    {
        _executors.Add(executor);
        Add(new VirtioNet(backend, executor, mac, capture, cable, Throttle.Of(limit, nowNs), Throttle.Of(limit, nowNs)));
    }

    /// <summary>Adds a balloon whose executors, one for each of its queues, are disposed with it.</summary>
    public void AddBalloon(IDeviceExecutor inflate, IDeviceExecutor deflate, IDeviceExecutor report)
    {
        _executors.AddRange([inflate, deflate, report]);
        Add(new VirtioBalloon(inflate, deflate, report));
    }

    /// <summary>Adds a source of random bytes whose executor is disposed with it.</summary>
    public void AddEntropy(RandomFill fill, IDeviceExecutor executor)
    {
        _executors.Add(executor);
        Add(new VirtioEntropy(fill, executor));
    }

    /// <summary>Adds a folder of the host whose executors, for what is urgent and for the rest, are disposed with it; the folder is not.</summary>
    public void AddShare(SharedFolder folder, IDeviceExecutor urgent, IDeviceExecutor requests)
    {
        _executors.AddRange([urgent, requests]);
        Add(new VirtioFs(folder, urgent, requests));
    }

    /// <summary>Adds a console and ports with names, whose executor, and set that it watches, are disposed with them; the ports' host ends are not.</summary>
    public void AddConsole(HostPort? console, IReadOnlyList<HostPort> named, PollSet set, IDeviceExecutor executor)
    {
        _executors.Add(executor);
        _sets.Add(set);
        Add(new VirtioConsole(console, named, set, executor));
    }

    /// <summary>Adds sockets whose executor, and set that it watches, are disposed with them; the endpoint is not.</summary>
    public void AddVsock(VsockEndpoint endpoint, PollSet set, IDeviceExecutor executor)
    {
        _executors.Add(executor);
        _sets.Add(set);
        Add(new VirtioVsock(endpoint, set, executor));
    }

    /// <summary>Adds a domain's end of a channel, whose memory is one of the domain's shared windows.</summary>
    public void AddChannel(ChannelMember member, SharedWindow window, IDoorbells doorbells) => _ = slots.Add(pin =>
    {
        var port = new ChannelPort(member, window, messages, pin, doorbells);
        _ports.Add(port);
        return port;
    });

    /// <summary>Adds a display, whose memory is one of the domain's shared windows.</summary>
    public BochsDisplay AddDisplay(SharedWindow window, int width, int height)
    {
        var display = new BochsDisplay(window, width, height);
        _ = slots.Add(_ => display);
        return display;
    }

    /// <summary>Holds the work of all devices and waits until they stand still; no vCPU runs until <see cref="Resume"/>.</summary>
    public void Pause() => _functions.ForEach(static f => f.Pause());

    /// <summary>The work goes on.</summary>
    public void Resume() => _functions.ForEach(static f => f.Resume());

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (ChannelPort port in _ports)
        {
            port.Detach();
        }

        foreach (VirtioFunction function in _functions)
        {
            function.Shutdown();
        }

        foreach (IDeviceExecutor executor in _executors)
        {
            executor.Dispose();
        }

        foreach (PollSet set in _sets)
        {
            set.Dispose();
        }
    }

    private void Add(IVirtioDevice device, bool mmio = false)
    {
        if (mmio)
        {
            windows.Add(line =>
            {
                var window = new VirtioMmio(device, memory, line);
                _functions.Add(window.Function);
                return window;
            });
        }
        else
        {
            _ = slots.Add(pin =>
            {
                var pci = new VirtioPci(device, memory, messages, pin);
                _functions.Add(pci.Function);
                return pci;
            });
        }
    }
}
