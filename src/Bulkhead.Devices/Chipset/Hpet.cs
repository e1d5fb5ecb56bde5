using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;
using Bulkhead.Core.Time;

namespace Bulkhead.Devices.Chipset;

/// <summary>A high precision event timer: 100 MHz, 64 bits, three comparators; 1 KiB, 0xFED00000 on a PC.</summary>
/// <remarks>
/// <para><i>Threading</i>: any; own lock, taken before the router's and the timer queue's.</para>
/// <para>Periodic matches missed while nobody could run are one match.</para>
/// <para><i>Source</i>: IA-PC HPET Specification 1.0a, 2.3 Memory Map and Register Definitions.</para>
/// </remarks>
public sealed class Hpet : IIoDevice, ITimerClient
{
    /// <summary>The counter's period.</summary>
    public const int PeriodNs = 10;

    private const int TimerCount = 3;

    // Revision 1, three timers, 64 bits, legacy replacement, vendor 8086h, period in femtoseconds.
    private const ulong Capabilities = 0x8086_8000UL | 0x2000 | ((TimerCount - 1) << 8) | 1 | ((ulong)PeriodNs * 1_000_000 << 32);

    private const ulong TimerCapabilities = 0x30; // periodic and 64 bits
    private const int RoutesShift = 32;
    private const uint TimerWritable = 0x3F4E;

    private readonly Lock _lock = new();
    private readonly IClock _clock;
    private readonly ITimerQueue _timers;
    private readonly InterruptRouter _router;
    private readonly uint _pins;
    private readonly HpetTimer[] _comparators = [new(), new(), new()];
    private uint _config;
    private uint _status;
    private ulong _counter;
    private long _startNs;
    private long _deadline = long.MaxValue;

    /// <summary>A halted timer block behind <paramref name="router"/>.</summary>
    /// <param name="clock">The domain's time.</param>
    /// <param name="timers">Where it waits.</param>
    /// <param name="router">Where its interrupts go.</param>
    /// <param name="pins">The I/O APIC pins it offers, a bit each: such as no other device drives.</param>
    public Hpet(IClock clock, ITimerQueue timers, InterruptRouter router, uint pins)
    {
        _clock = clock;
        _timers = timers;
        _router = router;
        _pins = pins;
    }

    private bool IsRunning => (_config & 1) != 0;

    private bool IsLegacy => (_config & 2) != 0;

    /// <inheritdoc/>
    public void OnTimer(long nowNs)
    {
        lock (_lock)
        {
            if (nowNs >= _deadline)
            {
                Match(nowNs);
                Arm(nowNs);
            }
        }
    }

    /// <inheritdoc/>
    public IoResult Read(ulong offset, Span<byte> data)
    {
        lock (_lock)
        {
            ulong value = ReadRegister(offset & ~7UL);
            LittleEndian.Put(data, value >> (8 * (int)(offset & 7)));
        }

        return IoResult.Ok;
    }

    /// <inheritdoc/>
    public IoResult Write(ulong offset, ReadOnlySpan<byte> data)
    {
        int shift = 8 * (int)(offset & 7);
        ulong mask = (data.Length >= 8 ? ulong.MaxValue : (1UL << (8 * data.Length)) - 1) << shift;
        ulong value = LittleEndian.Get(data) << shift;
        lock (_lock)
        {
            long now = _clock.NowNs;
            Match(now);
            WriteRegister(offset & ~7UL, value, mask, now);
            Arm(now);
        }

        return IoResult.Ok;
    }

    private ulong Counter(long now) =>
        IsRunning && now > _startNs ? unchecked(_counter + ((ulong)(now - _startNs) / PeriodNs)) : _counter;

    private ulong ReadRegister(ulong offset)
    {
        switch (offset)
        {
            case 0:
                return Capabilities;
            case 0x10:
                return _config;
            case 0x20:
                return _status;
            case 0xF0:
                return Counter(_clock.NowNs);
        }

        if (!TryTimer(offset, out HpetTimer? timer, out _))
        {
            return 0;
        }

        return (offset & 0x18) switch
        {
            0 => TimerCapabilities | timer.Config | ((ulong)_pins << RoutesShift),
            8 => timer.Comparator,
            _ => 0,
        };
    }

    private void WriteRegister(ulong offset, ulong value, ulong mask, long now)
    {
        switch (offset)
        {
            case 0x10:
                WriteConfig((uint)Merge(_config, value, mask) & 3, now);
                return;
            case 0x20:
                _status &= ~(uint)(value & mask);
                UpdateLines();
                return;
            case 0xF0:
                _counter = Merge(Counter(now), value, mask);
                _startNs = now;
                AimAll(now);
                return;
        }

        if (!TryTimer(offset, out HpetTimer? timer, out int index))
        {
            return;
        }

        switch (offset & 0x18)
        {
            case 0:
                uint route = timer.Config & HpetTimer.RouteBits;
                timer.Config = (uint)Merge(timer.Config, value, mask) & TimerWritable;
                if (((_pins >> timer.Route) & 1) == 0)
                {
                    timer.Config = (timer.Config & ~HpetTimer.RouteBits) | route;
                }

                if (!timer.IsPeriodic)
                {
                    timer.Config &= ~0x40u;
                }

                if (!timer.IsLevel)
                {
                    _status &= ~(1u << index);
                }

                timer.Aim(Counter(now));
                UpdateLines();
                break;
            case 8:
                WriteComparator(timer, value, mask);
                timer.Aim(Counter(now));
                break;
        }
    }

    private static void WriteComparator(HpetTimer timer, ulong value, ulong mask)
    {
        if (timer.Is32Bit)
        {
            value = (uint)value;
            mask = (uint)mask;
            if (mask == 0)
            {
                return;
            }
        }

        if (!timer.IsPeriodic || timer.SetsValue)
        {
            timer.Comparator = Merge(timer.Comparator, value, mask);
        }

        if (timer.IsPeriodic)
        {
            timer.Period = Merge(timer.Period, value, mask);
            timer.Config &= ~0x40u;
        }

        if (timer.Is32Bit)
        {
            timer.Comparator = (uint)timer.Comparator;
        }
    }

    private void WriteConfig(uint config, long now)
    {
        uint changed = config ^ _config;
        if ((changed & 1) != 0)
        {
            _counter = Counter(now);
            _startNs = now;
        }

        _config = config;
        if ((changed & 2) != 0)
        {
            UpdateLines();
            _router.SetLegacyReplacement(IsLegacy);
        }

        AimAll(now);
    }

    private void AimAll(long now)
    {
        ulong counter = Counter(now);
        foreach (HpetTimer timer in _comparators)
        {
            timer.Aim(counter);
        }
    }

    /// <summary>Handles every match up to now.</summary>
    private void Match(long now)
    {
        if (!IsRunning)
        {
            return;
        }

        ulong counter = Counter(now);
        for (int i = 0; i < TimerCount; i++)
        {
            HpetTimer timer = _comparators[i];
            if (timer.NextMatch > counter)
            {
                continue;
            }

            timer.Advance(counter);
            if (timer.IsLevel)
            {
                _status |= 1u << i;
                UpdateLines();
            }
            else if (timer.IsEnabled)
            {
                int pin = Pin(i);
                _router.SetPin(pin, true);
                _router.SetPin(pin, false);
            }
        }
    }

    // A match the counter has passed (a guest may set it near its end, and a period that leads beyond it) does not come: it would
    // be due for ever.
    private void Arm(long now)
    {
        ulong counter = Counter(now);
        ulong next = ulong.MaxValue;
        foreach (HpetTimer timer in _comparators)
        {
            if (timer.IsEnabled && timer.NextMatch >= counter && timer.NextMatch < next)
            {
                next = timer.NextMatch;
            }
        }

        long deadline = long.MaxValue;
        if (IsRunning && next != ulong.MaxValue)
        {
            ulong ticks = unchecked(next - _counter); // the counter may have begun anew since
            ulong limit = (ulong)(long.MaxValue - _startNs) / PeriodNs;
            deadline = ticks < limit ? _startNs + ((long)ticks * PeriodNs) : long.MaxValue;
        }

        if (deadline != long.MaxValue)
        {
            _timers.Arm(this, deadline);
        }
        else if (_deadline != long.MaxValue)
        {
            _timers.Disarm(this);
        }

        _deadline = deadline;
    }

    private int Pin(int index) => IsLegacy && index < 2
        ? InterruptRouter.HpetLegacy0 + index
        : _comparators[index].Route;

    private void UpdateLines()
    {
        for (int i = 0; i < TimerCount; i++)
        {
            HpetTimer timer = _comparators[i];
            int pin = timer.IsLevel && timer.IsEnabled && (_status & (1u << i)) != 0 ? Pin(i) : -1;
            if (pin == timer.DrivenPin)
            {
                continue;
            }

            if (timer.DrivenPin >= 0)
            {
                _router.SetPin(timer.DrivenPin, false);
            }

            timer.DrivenPin = pin;
            if (pin >= 0)
            {
                _router.SetPin(pin, true);
            }
        }
    }

    private bool TryTimer(
        ulong offset, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out HpetTimer? timer, out int index)
    {
        index = (int)((offset - 0x100) >> 5);
        timer = offset >= 0x100 && index < TimerCount ? _comparators[index] : null;
        return timer is not null;
    }

    private static ulong Merge(ulong old, ulong value, ulong mask) => (old & ~mask) | (value & mask);
}
