using Bulkhead.Core.Time;
using Bulkhead.Devices.Chipset;
using Xunit;

namespace Bulkhead.Devices.Tests.Chipset;

/// <summary>Processors, I/O APIC and PIC wired as on a PC, APICs enabled.</summary>
internal sealed class ApicRig
{
    public ApicRig(int cpus = 1, bool enable = true)
    {
        Timers = new TimerQueue(static () => { });
        Bus = new ApicBus();
        Pic = new Pic8259Pair(Bus.Line(ApicBus.IntrPin));
        Bus.Attach(Pic);
        IoApic = new IoApic(Bus, 1);
        Bus.Add(IoApic);
        Router = new InterruptRouter(Pic, IoApic);
        Signals = new FakeSignals[cpus];
        Apics = new LocalApic[cpus];
        for (int i = 0; i < cpus; i++)
        {
            Signals[i] = new FakeSignals();
            Apics[i] = new LocalApic((uint)i, i == 0, Bus, Clock, Timers, Signals[i]);
            Bus.Add(Apics[i]);
            if (enable)
            {
                Apics[i].Out32(0xF0, 0x1FF);
            }
        }
    }

    public FakeClock Clock { get; } = new();

    public TimerQueue Timers { get; }

    public ApicBus Bus { get; }

    public Pic8259Pair Pic { get; }

    public IoApic IoApic { get; }

    public InterruptRouter Router { get; }

    public FakeSignals[] Signals { get; }

    public LocalApic[] Apics { get; }

    public LocalApic Apic => Apics[0];

    public void Route(int pin, uint low, byte destination = 0)
    {
        IoApic.Out32(0, (uint)(0x11 + (2 * pin)));
        IoApic.Out32(0x10, (uint)destination << 24);
        IoApic.Out32(0, (uint)(0x10 + (2 * pin)));
        IoApic.Out32(0x10, low);
    }

    public uint ReadRoute(int pin)
    {
        IoApic.Out32(0, (uint)(0x10 + (2 * pin)));
        return IoApic.In32(0x10);
    }

    /// <summary>Acknowledges; -1 when nothing is pending (HasPending must agree).</summary>
    public int Take(int cpu = 0)
    {
        bool pending = Apics[cpu].HasPending;
        bool taken = Apics[cpu].TryAcknowledge(out byte vector);
        Assert.Equal(pending, taken);
        return taken ? vector : -1;
    }

    public void Eoi(int cpu = 0) => Apics[cpu].Out32(0xB0, 0);
}
