using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;
using Bulkhead.Core.Time;
using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Devices.Backends.Files;
using Bulkhead.Devices.Backends.Ports;
using Bulkhead.Devices.Chipset;
using Bulkhead.Devices.Display;
using Bulkhead.Devices.Firmware;
using Bulkhead.Devices.Keyboard;
using Bulkhead.Devices.Pci;
using Bulkhead.Devices.Virtio;
using Bulkhead.Host.Threads;
using Bulkhead.Machine.Acpi;
using Bulkhead.Machine.Boot;
using Bulkhead.Machine.Devices;
using Bulkhead.Machine.Firmware;
using Bulkhead.Machine.Time;

namespace Bulkhead.Machine.Domains;

/// <summary>The chipset of one domain, wired as in a PC; a reset makes a new one.</summary>
/// <remarks><i>Threading</i>: built while the domain is parked; read-only after that, each device with its own lock.</remarks>
internal sealed class Board : IDisposable
{
    private const int RtcInterrupt = 8;
    private const int X87Interrupt = 13;
    private const int MostDiskQueues = 4;

    private readonly IoBus _ports = new();
    private readonly IoBus _mmio = new();
    private readonly IoApic _ioApic;
    private readonly List<LocalApic> _apics = [];
    private readonly KvmClock? _kvmClock;
    private readonly PciDevices? _devices;
    private readonly DomainDevices? _behind;

    /// <summary>Wires a board to the domain's vCPUs; its timers stand in vCPU 0's queue.</summary>
    internal Board(Domain domain, SerialOutput serial, long utcNs, bool debugExit, DomainDevices? devices = null, FirmwareBoard? firmware = null)
    {
        _behind = devices;
        IClock clock = domain.Clock;
        VcpuSlot[] slots = domain.Slots;
        foreach (VcpuSlot slot in slots)
        {
            slot.ReplaceTimers();
        }

        ITimerQueue timers = slots[0].Timers;
        KvmClock? kvmClock = _kvmClock = domain.Memory is { } memory ? new KvmClock(memory, clock, utcNs, slots.Length) : null;
        var bus = new ApicBus();
        foreach (VcpuSlot slot in slots)
        {
            var apic = new LocalApic((uint)slot.Index, slot.Index == 0, bus, clock, slot.Timers, slot);
            bus.Add(apic);
            _apics.Add(apic);
            slot.Apic = apic;
            apic.Observer = slot.Trace;
            apic.TaskPriorityObserver = slot;
            slot.Classes?.Halt();
        }

        var pic = new Pic8259Pair(bus.Line(ApicBus.IntrPin));
        bus.Attach(pic);
        _ioApic = new IoApic(bus, AcpiLayout.IoApicId);
        bus.Add(_ioApic);
        var router = new InterruptRouter(pic, _ioApic);
        InterruptLine Line(int pin) => router.Line(pin);

        var x87Error = new X87Error(Line(X87Interrupt));
        foreach (VcpuSlot slot in slots)
        {
            slot.Io = new CpuIo(_apics[slot.Index], _mmio, _ports, clock, kvmClock, x87Error, slot);
        }

        var pit = new Pit8254(clock, timers, Line(0));
        var rtc = new CmosRtc(clock, timers, Line(RtcInterrupt), utcNs);
        Serial = new Serial16550(new PanicWatcher(serial, domain.NotePanic), Line(AcpiLayout.Com1Interrupt));
        Serial.RoomAvailable += domain.RaiseInputRoom;
        AcpiPm = new AcpiPm(Line(AcpiLayout.SciInterrupt), domain.RequestPowerOff, domain.RequestReset);

        _ports.Map(0x20, 2, pic.MasterPorts);
        _ports.Map(0x40, 4, pit.CounterPorts);
        _ports.Map(0x61, 1, pit.SystemPort);
        _ports.Map(0x70, 2, rtc);
        _ports.Map(0xA0, 2, pic.SlavePorts);
        _ports.Map(0xF0, 2, x87Error);
        _ports.Map(AcpiLayout.Com1Port, 8, Serial);
        _ports.Map(0x4D0, 2, pic.ElcrPorts);
        _ports.Map(AcpiLayout.Pm1EventPort, 4, AcpiPm.EventPorts);
        _ports.Map(AcpiLayout.Pm1ControlPort, 2, AcpiPm.ControlPorts);
        var pmTimer = new PmTimer(clock);
        _ports.Map(AcpiLayout.PmTimerPort, 4, pmTimer);
        if (kvmClock is not null)
        {
            _ports.Map(AcpiLayout.KvmClockPort, 1, kvmClock);
        }

        if (devices?.Display is not null)
        {
            Keyboard = new I8042(Line(AcpiLayout.KeyboardInterrupt), domain.RequestReset);
            MapKeyboard(Keyboard.DataPort, Keyboard.CommandPort, Keyboard.FastPort);
        }
        else
        {
            var reset = new I8042Reset(domain.RequestReset);
            MapKeyboard(reset.DataPort, reset.CommandPort, reset.FastPort);
        }

        var pci = new PciHost(AcpiPm.ResetPort, firmware is null ? null : firmware.Protect);
        _ports.Map(0xCF8, 8, pci);
        if (firmware is not null)
        {
            firmware.Remember(rtc);
            firmware.PlaceVariables(_mmio);
            _ports.Map(DebugPort.Port, 1, new DebugPort(firmware.Log));
            _ports.Map(FirmwareConfig.Port, FirmwareConfig.Ports, firmware.Describe());
            pci.Register(FirmwareBoard.ChipsetSlot, 0, new IsaBridgePiix3());
            pci.Register(FirmwareBoard.ChipsetSlot, 3, new PowerManagementPiix4(
                _ports,
                [
                    (0, 4, AcpiPm.EventPorts),
                    (AcpiLayout.Pm1ControlPort - AcpiLayout.Pm1EventPort, 2, AcpiPm.ControlPorts),
                    (AcpiLayout.PmTimerPort - AcpiLayout.Pm1EventPort, 4, pmTimer),
                ],
                AcpiLayout.Pm1EventPort));
        }

        if (devices is not null && domain.Memory is { } ram)
        {
            var pciSlots = new PciSlots(pci, _mmio, router, AcpiLayout.PciRegisters, firmware?.Windows.High ?? AcpiLayout.PciMemory, static slot => Dsdt.PciPin(slot, 0), firmware is null ? 1 : FirmwareBoard.FirstSlot);
            var windows = new MmioSlots(_mmio, AcpiLayout.VirtioWindows, [.. Enumerable.Range(AcpiLayout.VirtioInterruptBase, AcpiLayout.MostVirtioWindows).Select(Line)]);
            _devices = new PciDevices(pciSlots, windows, ram, bus, () => clock.NowNs);
            foreach ((IDisk disk, DiskRequest request) in devices.Disks)
            {
                _devices.AddDisk(disk, request.Serial, request.Mmio, request.Limit?.ToRate() ?? DeviceLimit.None, [.. domain.Slots.Take(MostDiskQueues).Select(_ => devices.NewExecutor(request, timers))]);
            }

            foreach (NetCard net in devices.Nets)
            {
                _devices.AddNet(net.Backend, devices.NewExecutor(net), net.Mac, net.Capture, net.Cable, net.Limit);
            }

            foreach (SharedFolder share in devices.Shares)
            {
                _devices.AddShare(share, devices.NewExecutor("fs", timers), devices.NewExecutor("fs", timers));
            }

            if (devices.Console is not null || devices.Ports.Count > 0)
            {
                var set = new PollSet();
                _devices.AddConsole(devices.Console, devices.Ports, set, devices.NewExecutor("console", set));
            }

            if (devices.Vsock is { } vsock)
            {
                var set = new PollSet();
                _devices.AddVsock(vsock, set, devices.NewExecutor("vsock", set));
            }

            var doorbells = new DoorbellClasses(slots);
            for (int i = 0; i < devices.Channels.Count; i++)
            {
                _devices.AddChannel(devices.Channels[i], ram.Shared[i], doorbells);
            }

            if (devices.Random is { } random)
            {
                _devices.AddEntropy(random, devices.NewExecutor("rng", timers));
            }

            if (devices.Balloon)
            {
                _devices.AddBalloon(devices.NewExecutor("inflate", timers), devices.NewExecutor("deflate", timers), devices.NewExecutor("report", timers));
            }

            // Last, so that the others are in the same slots with and without it.
            if (devices.Display is { } display)
            {
                Display = _devices.AddDisplay(ram.Shared[devices.Channels.Count], display.Width, display.Height);
            }
        }

        if (debugExit)
        {
            _ports.Map(0xF4, 4, new DebugExit(status => domain.Stop(status, "debug exit")));
        }

        _mmio.Map(AcpiLayout.IoApic, 0x1000, _ioApic);
        int windowPins = (1 << (devices?.Disks.Count(static d => d.Request.Mmio) ?? 0)) - 1;
        _mmio.Map(AcpiLayout.Hpet, 0x400, new Hpet(clock, timers, router, AcpiLayout.HpetPins & ~((uint)windowPins << AcpiLayout.VirtioInterruptBase)));
    }

    /// <summary>The first serial port.</summary>
    internal Serial16550 Serial { get; }

    /// <summary>The display, or null.</summary>
    internal BochsDisplay? Display { get; }

    /// <summary>The keyboard in front of it, or null.</summary>
    internal I8042? Keyboard { get; }

    /// <summary>The display as a kernel is told of it, or null.</summary>
    internal BootScreen? Screen => Display is { FrameAddress: { } address, Mode: { } mode }
        ? new BootScreen(address, Display.FrameBytes, mode.Width, mode.Height, mode.PitchBytes)
        : null;

    /// <summary>The power button's home.</summary>
    internal AcpiPm AcpiPm { get; }

    /// <summary>Tells the guest, if it listens, that it was held still.</summary>
    internal void NoteStopped() => _kvmClock?.NoteStopped();

    /// <summary>Who looks on at the virtio console, or null.</summary>
    internal PortViewers? Viewers => _behind?.Console?.Viewers;

    /// <summary>Makes a disk larger; then <see cref="NoteGrown"/>.</summary>
    internal long GrowDisk(int disk, Func<long, long> sizeOf) => _behind?.GrowDisk(disk, sizeOf) ?? 0;

    /// <summary>Tells the guest, if its driver is there, that a disk has another size.</summary>
    internal void NoteGrown(int disk) => _devices?.NoteResized(disk);

    /// <summary>Whether a device can still send a vCPU what it cannot mask.</summary>
    internal bool CanInterruptMasked
    {
        get
        {
            bool can = _ioApic.CanSendUnmaskable;
            foreach (LocalApic apic in _apics)
            {
                can |= apic.CanRaiseNmi;
            }

            return can;
        }
    }

    private void MapKeyboard(IIoDevice data, IIoDevice command, IIoDevice fast)
    {
        _ports.Map(AcpiLayout.KeyboardPort, 1, data);
        _ports.Map(AcpiLayout.KeyboardCommandPort, 1, command);
        _ports.Map(0x92, 1, fast);
    }

    /// <summary>Ends the devices' work. When no vCPU runs.</summary>
    public void Dispose() => _devices?.Dispose();

    /// <summary>Accesses nobody claimed.</summary>
    internal long UnclaimedAccesses => _ports.UnclaimedAccesses + _mmio.UnclaimedAccesses;
}
