using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;
using Bulkhead.Core.Time;

namespace Bulkhead.Devices.Chipset;

/// <summary>The MC146818 clock with its CMOS memory: two ports, 0x70 on a PC.</summary>
/// <remarks>
/// <para>The time is UTC at the start plus the domain's clock; setting it moves the difference.
/// Updates are instant at the second, announced by UIP for the 244 µs before.</para>
/// <para><i>Threading</i>: any; own lock, taken before the router's and the timer queue's.</para>
/// <para><i>Source</i>: Motorola MC146818 Real-Time Clock plus RAM, Registers; century byte as in the ACPI FADT.</para>
/// </remarks>
public sealed class CmosRtc : IIoDevice, IByteRegisters, ITimerClient
{
    /// <summary>The register of the century, for the FADT.</summary>
    public const byte CenturyRegister = 0x32;

    private const long Second = 1_000_000_000;
    private const long UpdateNoticeNs = 244_000;
    private const byte SetBit = 0x80;
    private const byte PeriodicBit = 0x40;
    private const byte AlarmBit = 0x20;
    private const byte UpdateBit = 0x10;
    private const byte BinaryBit = 0x04;
    private const byte Hours24Bit = 0x02;

    private static readonly TickRate s_crystal = new(32_768);

    private readonly Lock _lock = new();
    private readonly IClock _clock;
    private readonly ITimerQueue _timers;
    private readonly InterruptLine _irq;
    private readonly byte[] _memory = new byte[128];
    private int _index;

    // UTC = _offsetNs + the clock; while SET holds updates, the time registers stand in _memory instead.
    private long _offsetNs;
    private long _settledNs;
    private byte _flags;
    private long _deadline = long.MaxValue;

    /// <summary>A clock that shows <paramref name="utcNs"/> (since 1970) now and raises <paramref name="irq"/> (IRQ 8).</summary>
    public CmosRtc(IClock clock, ITimerQueue timers, InterruptLine irq, long utcNs)
    {
        _clock = clock;
        _timers = timers;
        _irq = irq;
        _settledNs = clock.NowNs;
        _offsetNs = utcNs - _settledNs;
        _memory[0x0A] = 0x26;
        _memory[0x0B] = Hours24Bit;
    }

    /// <summary>Puts a byte into the memory, where the power-up of a PC keeps what it knows of the machine; not into a register of the clock.</summary>
    /// <remarks>While the machine is built.</remarks>
    public void Store(byte index, byte value)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(index, (byte)0x0E);
        _memory[index] = value;
    }

    private bool Held => (_memory[0x0B] & SetBit) != 0;

    /// <inheritdoc/>
    public IoResult Read(ulong offset, Span<byte> data)
    {
        for (int i = 0; i < data.Length; i++)
        {
            data[i] = ((IByteRegisters)this).ReadByte(0, (int)offset + i);
        }

        return IoResult.Ok;
    }

    /// <inheritdoc/>
    public IoResult Write(ulong offset, ReadOnlySpan<byte> data)
    {
        for (int i = 0; i < data.Length; i++)
        {
            ((IByteRegisters)this).WriteByte(0, (int)offset + i, data[i]);
        }

        return IoResult.Ok;
    }

    /// <inheritdoc/>
    public void OnTimer(long nowNs)
    {
        lock (_lock)
        {
            if (nowNs >= _deadline)
            {
                Update(nowNs);
            }
        }
    }

    byte IByteRegisters.ReadByte(int bank, int offset)
    {
        lock (_lock)
        {
            return offset == 0 ? (byte)0xFF : ReadRegister(_clock.NowNs);
        }
    }

    void IByteRegisters.WriteByte(int bank, int offset, byte value)
    {
        lock (_lock)
        {
            if (offset == 0)
            {
                _index = value & 0x7F;
            }
            else
            {
                WriteRegister(value, _clock.NowNs);
            }
        }
    }

    private byte ReadRegister(long now)
    {
        switch (_index)
        {
            case 0x0A:
                long intoSecond = Mod(_offsetNs + now, Second);
                bool updating = !Held && intoSecond >= Second - UpdateNoticeNs;
                return (byte)(_memory[0x0A] | (updating ? 0x80 : 0));
            case 0x0C:
                Settle(now);
                byte flags = (byte)(_flags | ((_flags & _memory[0x0B] & 0x70) != 0 ? 0x80 : 0));
                _flags = 0;
                Update(now);
                return flags;
            case 0x0D:
                return 0x80;
            case 0 or 2 or 4 or 6 or 7 or 8 or 9 or CenturyRegister when !Held:
                ShowTime(now);
                return _memory[_index];
            default:
                return _memory[_index];
        }
    }

    private void WriteRegister(byte value, long now)
    {
        Settle(now);
        switch (_index)
        {
            case 0x0A:
                _memory[0x0A] = (byte)(value & 0x7F);
                break;
            case 0x0B:
                WriteControl(value, now);
                break;
            case 0x0C or 0x0D:
                return;
            case 0 or 2 or 4 or 6 or 7 or 8 or 9 or CenturyRegister when !Held:
                ShowTime(now);
                _memory[_index] = value;
                TakeTime(now, wasHeld: false);
                break;
            default:
                _memory[_index] = value;
                break;
        }

        Update(now);
    }

    private void WriteControl(byte value, long now)
    {
        bool hold = (value & SetBit) != 0;
        if (hold && !Held)
        {
            ShowTime(now);
            value &= unchecked((byte)~UpdateBit);
        }

        bool release = !hold && Held;
        _memory[0x0B] = value;
        if (release)
        {
            // The registers are read in the format that is now in force, as the chip would count them on.
            TakeTime(now, wasHeld: true);
        }
    }

    private void ShowTime(long now)
    {
        long seconds = FloorDiv(_offsetNs + now, Second);
        long days = FloorDiv(seconds, 86_400);
        int ofDay = (int)(seconds - (days * 86_400));
        (int year, int month, int day) = CivilTime.FromDays(days);
        _memory[0] = Encode(ofDay % 60);
        _memory[2] = Encode(ofDay / 60 % 60);
        _memory[4] = EncodeHour(ofDay / 3600);
        _memory[6] = Encode((int)Mod(days + 4, 7) + 1);
        _memory[7] = Encode(day);
        _memory[8] = Encode(month);
        _memory[9] = Encode((int)Mod(year, 100));
        _memory[CenturyRegister] = Encode((int)Mod(FloorDiv(year, 100), 100));
    }

    private void TakeTime(long now, bool wasHeld)
    {
        long year = (Decode(_memory[CenturyRegister]) * 100) + Decode(_memory[9]);
        long days = CivilTime.ToDays(year, Decode(_memory[8]), Decode(_memory[7]));
        long seconds = (days * 86_400) + (DecodeHour(_memory[4]) * 3600L) + (Decode(_memory[2]) * 60) + Decode(_memory[0]);

        // A running clock keeps its fraction; a held one starts its next update half a second later.
        long fraction = wasHeld ? Second / 2 : Mod(_offsetNs + now, Second);
        _offsetNs = unchecked((seconds * Second) + fraction - now);
    }

    private void Settle(long now)
    {
        if (now <= _settledNs)
        {
            return;
        }

        if (!Held)
        {
            long before = FloorDiv(_offsetNs + _settledNs, Second);
            long after = FloorDiv(_offsetNs + now, Second);
            if (after > before)
            {
                _flags |= UpdateBit;
                if (NextAlarm(before) <= after)
                {
                    _flags |= AlarmBit;
                }
            }
        }

        ulong period = PeriodTicks;
        if (period != 0 && s_crystal.FromNs(now) / period > s_crystal.FromNs(_settledNs) / period)
        {
            _flags |= PeriodicBit;
        }

        _settledNs = now;
    }

    private void Update(long now)
    {
        Settle(now);
        int enabled = _memory[0x0B] & 0x70;
        _irq.Set((_flags & enabled) != 0);
        int waiting = enabled & ~_flags;
        long deadline = long.MaxValue;
        long second = FloorDiv(_offsetNs + now, Second);
        if ((waiting & UpdateBit) != 0 && !Held)
        {
            deadline = ((second + 1) * Second) - _offsetNs;
        }

        if ((waiting & AlarmBit) != 0 && !Held)
        {
            long alarm = NextAlarm(second);
            deadline = alarm == long.MaxValue ? deadline : Math.Min(deadline, (alarm * Second) - _offsetNs);
        }

        ulong period = PeriodTicks;
        if ((waiting & PeriodicBit) != 0 && period != 0)
        {
            deadline = Math.Min(deadline, s_crystal.ToNs(((s_crystal.FromNs(now) / period) + 1) * period));
        }

        if (deadline == _deadline && deadline == long.MaxValue)
        {
            return;
        }

        _deadline = deadline;
        if (deadline == long.MaxValue)
        {
            _timers.Disarm(this);
        }
        else
        {
            _timers.Arm(this, deadline);
        }
    }

    private ulong PeriodTicks
    {
        get
        {
            int rate = _memory[0x0A] & 15;
            return rate == 0 ? 0 : 1UL << (rate <= 2 ? rate + 6 : rate - 1);
        }
    }

    /// <summary>The first second after <paramref name="second"/> that the alarm registers match.</summary>
    private long NextAlarm(long second)
    {
        int alarmSecond = _memory[1] >= 0xC0 ? -1 : Decode(_memory[1]);
        int alarmMinute = _memory[3] >= 0xC0 ? -1 : Decode(_memory[3]);
        int alarmHour = _memory[5] >= 0xC0 ? -1 : DecodeHour(_memory[5]);
        if (alarmSecond > 59 || alarmMinute > 59 || alarmHour > 23)
        {
            return long.MaxValue;
        }

        long at = second + 1;
        while (true)
        {
            int ofDay = (int)Mod(at, 86_400);
            if (alarmHour >= 0 && ofDay / 3600 != alarmHour)
            {
                at += 3600 - (ofDay % 3600);
            }
            else if (alarmMinute >= 0 && ofDay / 60 % 60 != alarmMinute)
            {
                at += 60 - (ofDay % 60);
            }
            else if (alarmSecond >= 0 && ofDay % 60 != alarmSecond)
            {
                at++;
            }
            else
            {
                return at;
            }
        }
    }

    private byte Encode(int value) =>
        (_memory[0x0B] & BinaryBit) != 0 ? (byte)value : (byte)(((value / 10) << 4) | (value % 10));

    private int Decode(byte value) =>
        (_memory[0x0B] & BinaryBit) != 0 ? value : ((value >> 4) * 10) + (value & 15);

    private byte EncodeHour(int hour)
    {
        if ((_memory[0x0B] & Hours24Bit) != 0)
        {
            return Encode(hour);
        }

        int half = hour % 12 == 0 ? 12 : hour % 12;
        return (byte)(Encode(half) | (hour >= 12 ? 0x80 : 0));
    }

    private int DecodeHour(byte value)
    {
        if ((_memory[0x0B] & Hours24Bit) != 0)
        {
            return Decode(value);
        }

        return (Decode((byte)(value & 0x7F)) % 12) + ((value & 0x80) != 0 ? 12 : 0);
    }

    private static long FloorDiv(long value, long divisor) => (value / divisor) - (value % divisor < 0 ? 1 : 0);

    private static long Mod(long value, long divisor)
    {
        long rest = value % divisor;
        return rest < 0 ? rest + divisor : rest;
    }
}
