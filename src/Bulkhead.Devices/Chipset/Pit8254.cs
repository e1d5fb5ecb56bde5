using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;
using Bulkhead.Core.Time;

namespace Bulkhead.Devices.Chipset;

/// <summary>The 8254 timer of a PC with port 0x61: counter 0 drives IRQ 0, counter 2 can be watched.</summary>
/// <remarks>
/// <para><i>Threading</i>: any; own lock, taken before the router's and the timer queue's.</para>
/// <para>State is computed from the clock when somebody looks; the timer queue only wakes for rising edges of OUT 0.
/// Edges that passed while nobody could run are one edge.</para>
/// </remarks>
public sealed class Pit8254 : IByteRegisters, ITimerClient
{
    /// <summary>The input clock.</summary>
    public const int Hz = 1_193_182;

    private const int CounterBank = 0;
    private const int SystemBank = 1;

    // The DRAM refresh request, which old software uses as a 15 µs clock, is counter 1's usual rate: 18 ticks.
    private const long RefreshNs = 15_085;

    private const ulong MinTicks = 12;

    private static readonly TickRate s_rate = new(Hz);

    private readonly Lock _lock = new();
    private readonly IClock _clock;
    private readonly ITimerQueue _timers;
    private readonly InterruptLine _irq;
    private readonly PitChannel[] _channels = [new(), new(), new()];
    private long _deadline = long.MaxValue;
    private byte _speaker;

    /// <summary>A timer whose counter 0 drives <paramref name="irq"/>.</summary>
    public Pit8254(IClock clock, ITimerQueue timers, InterruptLine irq)
    {
        _clock = clock;
        _timers = timers;
        _irq = irq;
        _channels[2].SetGate(false, 0);
        CounterPorts = new ByteBank(this, CounterBank);
        SystemPort = new ByteBank(this, SystemBank);
    }

    /// <summary>Four ports, 0x40 on a PC.</summary>
    public IIoDevice CounterPorts { get; }

    /// <summary>One port, 0x61 on a PC: gate 2, speaker, refresh toggle, OUT 2.</summary>
    public IIoDevice SystemPort { get; }

    /// <inheritdoc/>
    public void OnTimer(long nowNs)
    {
        lock (_lock)
        {
            if (nowNs < _deadline)
            {
                return;
            }

            _irq.Set(false);
            _irq.Set(true);

            // Rates above 100 kHz are cut, so that a guest cannot keep its host busy with ticks.
            Update(Math.Max(s_rate.FromNs(nowNs), s_rate.FromNs(_deadline) + MinTicks - 1));
        }
    }

    byte IByteRegisters.ReadByte(int bank, int offset)
    {
        lock (_lock)
        {
            long now = _clock.NowNs;
            ulong tick = s_rate.FromNs(now);
            if (bank == CounterBank)
            {
                return offset < 3 ? _channels[offset].Read(tick) : (byte)0;
            }

            int refresh = (now / RefreshNs & 1) != 0 ? 0x10 : 0;
            int output = _channels[2].Output(tick) ? 0x20 : 0;
            return (byte)(_speaker | refresh | output);
        }
    }

    void IByteRegisters.WriteByte(int bank, int offset, byte value)
    {
        lock (_lock)
        {
            ulong tick = s_rate.FromNs(_clock.NowNs);
            if (bank == SystemBank)
            {
                _speaker = (byte)(value & 0x0F);
                _channels[2].SetGate((value & 1) != 0, tick);
            }
            else if (offset < 3)
            {
                _channels[offset].Write(value, tick);
                if (offset == 0)
                {
                    Update(tick);
                }
            }
            else
            {
                WriteControl(value, tick);
            }
        }
    }

    private void WriteControl(byte value, ulong tick)
    {
        int selected = value >> 6;
        if (selected == 3)
        {
            for (int i = 0; i < 3; i++)
            {
                if ((value & (2 << i)) != 0)
                {
                    if ((value & 0x20) == 0)
                    {
                        _channels[i].LatchCount(tick);
                    }

                    if ((value & 0x10) == 0)
                    {
                        _channels[i].LatchStatus(tick);
                    }
                }
            }
        }
        else if ((value & 0x30) == 0)
        {
            _channels[selected].LatchCount(tick);
        }
        else
        {
            _channels[selected].SetControl(value);
            if (selected == 0)
            {
                Update(tick);
            }
        }
    }

    private void Update(ulong tick)
    {
        _irq.Set(_channels[0].Output(tick));
        if (_channels[0].TryNextRise(tick, out ulong rise))
        {
            _deadline = s_rate.ToNs(rise);
            _timers.Arm(this, _deadline);
        }
        else if (_deadline != long.MaxValue)
        {
            _deadline = long.MaxValue;
            _timers.Disarm(this);
        }
    }
}
