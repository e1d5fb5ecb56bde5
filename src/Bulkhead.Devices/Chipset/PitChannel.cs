namespace Bulkhead.Devices.Chipset;

/// <summary>One counter of an 8254, a function of the tick it is asked about.</summary>
/// <remarks>
/// <para><i>Threading</i>: under the lock of its <see cref="Pit8254"/>.</para>
/// <para><i>Source</i>: Intel 82C54 CHMOS Programmable Interval Timer, Mode Definitions.</para>
/// </remarks>
internal sealed class PitChannel
{
    private int _access = 3;
    private int _mode = 3;
    private bool _bcd;
    private bool _gate = true;

    // The counter held _count at tick _start and has been counting down since; not before a count was written.
    private bool _loaded;
    private bool _triggered;
    private ulong _count = 0x10000;
    private ulong _start;
    private ulong _frozen;
    private ulong _pending;
    private ulong _pendingAt;

    private bool _writeHigh;
    private byte _writeLow;
    private bool _readHigh;
    private int _latchedBytes;
    private ushort _latched;
    private bool _hasStatus;
    private byte _status;

    private ulong Modulus => _bcd ? 10_000UL : 0x10000;

    private bool IsPeriodic => _mode is 2 or 3;

    private bool IsHardwareTriggered => _mode is 1 or 5;

    /// <summary>The level of OUT.</summary>
    public bool Output(ulong tick)
    {
        Settle(tick);
        ulong elapsed = Elapsed(tick);
        switch (_mode)
        {
            case 0:
                return _loaded && elapsed >= _count;
            case 1:
                return !(_triggered && elapsed < _count);
            case 2:
                return !_loaded || !_gate || elapsed % _count != _count - 1;
            case 3:
                return !_loaded || !_gate || elapsed % _count < (_count + 1) / 2;
            case 4:
                return !_loaded || elapsed != _count;
            default:
                return !_triggered || elapsed != _count;
        }
    }

    /// <summary>The first tick after <paramref name="tick"/> at which OUT rises, if it will by itself.</summary>
    public bool TryNextRise(ulong tick, out ulong rise)
    {
        Settle(tick);
        rise = 0;
        if (!_loaded || !_gate || (IsHardwareTriggered && !_triggered))
        {
            return false;
        }

        ulong elapsed = Elapsed(tick);
        switch (_mode)
        {
            case 0 or 1:
                rise = _start + _count;
                return elapsed < _count;
            case 2 or 3:
                rise = _start + (((elapsed / _count) + 1) * _count);
                return true;
            default:
                rise = _start + _count + 1;
                return elapsed <= _count;
        }
    }

    /// <summary>Drives GATE.</summary>
    public void SetGate(bool high, ulong tick)
    {
        if (high == _gate)
        {
            return;
        }

        Settle(tick);
        if (!high)
        {
            _frozen = Elapsed(tick);
            _gate = false;
            return;
        }

        _gate = true;
        if (IsPeriodic)
        {
            TakePending();
            _start = tick + 1;
        }
        else if (IsHardwareTriggered)
        {
            if (_loaded)
            {
                TakePending();
                _start = tick + 1;
                _triggered = true;
            }
        }
        else
        {
            _start = tick - _frozen;
        }
    }

    /// <summary>A control word for this counter (not the latch command).</summary>
    public void SetControl(byte value)
    {
        _access = (value >> 4) & 3;
        int mode = (value >> 1) & 7;
        _mode = mode > 5 ? mode - 4 : mode;
        _bcd = (value & 1) != 0;
        _loaded = false;
        _triggered = false;
        _pending = 0;
        _frozen = 0;
        _writeHigh = false;
        _readHigh = false;
        _latchedBytes = 0;
        _hasStatus = false;
    }

    /// <summary>The counter latch command; a latch that was not read yet stays.</summary>
    public void LatchCount(ulong tick)
    {
        if (_latchedBytes == 0)
        {
            _latched = Counter(tick);
            _latchedBytes = _access == 3 ? 2 : 1;
            _readHigh = false;
        }
    }

    /// <summary>The read-back command's status latch.</summary>
    public void LatchStatus(ulong tick)
    {
        if (!_hasStatus)
        {
            bool output = Output(tick);
            bool noCount = !_loaded || _pending != 0;
            _status = (byte)((output ? 0x80 : 0) | (noCount ? 0x40 : 0) | (_access << 4) | (_mode << 1) | (_bcd ? 1 : 0));
            _hasStatus = true;
        }
    }

    /// <summary>Reads the counter's port.</summary>
    public byte Read(ulong tick)
    {
        if (_hasStatus)
        {
            _hasStatus = false;
            return _status;
        }

        ushort value = _latchedBytes > 0 ? _latched : Counter(tick);
        if (_latchedBytes > 0)
        {
            _latchedBytes--;
        }

        bool high = _access == 2 || (_access == 3 && _readHigh);
        _readHigh = _access == 3 && !_readHigh;
        return (byte)(high ? value >> 8 : value);
    }

    /// <summary>Writes the counter's port.</summary>
    public void Write(byte value, ulong tick)
    {
        switch (_access)
        {
            case 1:
                Load(value, tick);
                break;
            case 2:
                Load((ushort)(value << 8), tick);
                break;
            default:
                if (_writeHigh)
                {
                    Load((ushort)(_writeLow | (value << 8)), tick);
                }
                else
                {
                    _writeLow = value;

                    // In mode 0 the first byte stops the counter, and OUT is low until the new count has run.
                    _loaded &= _mode != 0;
                }

                _writeHigh = !_writeHigh;
                break;
        }
    }

    private void Load(ushort value, ulong tick)
    {
        Settle(tick);
        ulong count = _bcd ? FromBcd(value) : value;
        count = count == 0 ? Modulus : count;
        if (_loaded && IsPeriodic && _gate)
        {
            // A running period is finished first.
            _pending = count;
            _pendingAt = _start + (((Elapsed(tick) / _count) + 1) * _count);
        }
        else if (_triggered)
        {
            _pending = count;
            _pendingAt = ulong.MaxValue;
        }
        else
        {
            // The count is taken over by the next clock pulse.
            _count = count;
            _start = tick + 1;
            _frozen = 0;
            _loaded = true;
        }
    }

    private void Settle(ulong tick)
    {
        if (_pending != 0 && _gate && tick >= _pendingAt)
        {
            _start = _pendingAt;
            TakePending();
        }
    }

    private void TakePending()
    {
        if (_pending != 0)
        {
            _count = _pending;
            _pending = 0;
        }
    }

    private ulong Elapsed(ulong tick)
    {
        if (!_gate && !IsHardwareTriggered)
        {
            return _frozen;
        }

        return tick > _start ? tick - _start : 0;
    }

    private ushort Counter(ulong tick)
    {
        Settle(tick);
        ulong elapsed = _loaded && (_triggered || !IsHardwareTriggered) ? Elapsed(tick) : 0;
        ulong value = _mode switch
        {
            2 => _count - (elapsed % _count),
            3 => _count - (2 * (elapsed % _count) % _count),
            _ => unchecked(_count + Modulus - (elapsed % Modulus)),
        };
        value %= Modulus;
        return _bcd ? ToBcd((uint)value) : (ushort)value;
    }

    private static ulong FromBcd(uint value) =>
        (value & 15) + (((value >> 4) & 15) * 10) + (((value >> 8) & 15) * 100) + ((value >> 12) * 1000);

    private static ushort ToBcd(uint value) =>
        (ushort)((value % 10) | ((value / 10 % 10) << 4) | ((value / 100 % 10) << 8) | ((value / 1000 % 10) << 12));
}
