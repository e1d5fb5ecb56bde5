namespace Bulkhead.Devices.Chipset;

/// <summary>One 8259A interrupt controller.</summary>
/// <remarks>
/// <para><i>Threading</i>: under the lock of the <see cref="Pic8259Pair"/> that owns it.</para>
/// <para>An edge stays latched until acknowledged even if the pin falls before, so a short pulse is never lost.</para>
/// <para><i>Source</i>: Intel 8259A Programmable Interrupt Controller, Initialization and Operation Command Words.</para>
/// </remarks>
internal sealed class Pic8259(bool isMaster)
{
    private const int CascadePin = 2;

    private byte _latch;
    private byte _levels;

    // Before it is initialized a chip has no vector to give; real firmware never shows it in that state.
    private byte _imr = 0xFF;
    private byte _isr;
    private byte _base;
    private byte _lowest = 7;
    private int _initStep;
    private bool _single;
    private bool _needIcw4;
    private bool _autoEoi;
    private bool _rotateOnAutoEoi;
    private bool _specialMask;
    private bool _specialFullyNested;
    private bool _poll;
    private bool _readIsr;

    /// <summary>Which pins are level triggered (ELCR).</summary>
    public byte LevelTriggered { get; set; }

    /// <summary>On the master, the output of the slave; it behaves as a level on pin 2.</summary>
    public bool Cascade { get; set; }

    /// <summary>Whether INT is raised.</summary>
    public bool Output => Highest() >= 0;

    private byte Requests => (byte)(_latch | (_levels & LevelTriggered) | (Cascade ? 1 << CascadePin : 0));

    /// <summary>Drives a pin.</summary>
    public void SetPin(int pin, bool high)
    {
        byte bit = (byte)(1 << pin);
        if (high && (_levels & bit) == 0 && (LevelTriggered & bit) == 0)
        {
            _latch |= bit;
        }

        _levels = high ? (byte)(_levels | bit) : (byte)(_levels & ~bit);
    }

    /// <summary>The interrupt acknowledge cycle; pin 7 without in-service bit when nothing requests any more (spurious).</summary>
    public byte Acknowledge(out int pin)
    {
        pin = Highest();
        if (pin < 0)
        {
            return (byte)(_base + 7);
        }

        byte bit = (byte)(1 << pin);
        _latch &= (byte)~bit;
        if (!_autoEoi)
        {
            _isr |= bit;
        }
        else if (_rotateOnAutoEoi)
        {
            _lowest = (byte)pin;
        }

        return (byte)(_base + pin);
    }

    /// <summary>Reads A0 = <paramref name="offset"/>.</summary>
    public byte Read(int offset)
    {
        if (_poll)
        {
            _poll = false;
            Acknowledge(out int pin);
            return pin < 0 ? (byte)0 : (byte)(0x80 | pin);
        }

        return offset != 0 ? _imr : _readIsr ? _isr : Requests;
    }

    /// <summary>Writes A0 = <paramref name="offset"/>.</summary>
    public void Write(int offset, byte value)
    {
        if (offset == 0)
        {
            WriteCommand(value);
            return;
        }

        switch (_initStep)
        {
            case 2:
                _base = (byte)(value & 0xF8);
                _initStep = !_single ? 3 : _needIcw4 ? 4 : 0;
                break;
            case 3:
                _initStep = _needIcw4 ? 4 : 0;
                break;
            case 4:
                _specialFullyNested = (value & 0x10) != 0;
                _autoEoi = (value & 0x02) != 0;
                _initStep = 0;
                break;
            default:
                _imr = value;
                break;
        }
    }

    private void WriteCommand(byte value)
    {
        if ((value & 0x10) != 0)
        {
            _latch = 0;
            _imr = 0;
            _isr = 0;
            _lowest = 7;
            _autoEoi = false;
            _rotateOnAutoEoi = false;
            _specialMask = false;
            _specialFullyNested = false;
            _poll = false;
            _readIsr = false;
            _single = (value & 2) != 0;
            _needIcw4 = (value & 1) != 0;
            _initStep = 2;
        }
        else if ((value & 0x08) != 0)
        {
            _poll = (value & 0x04) != 0;
            if ((value & 0x02) != 0)
            {
                _readIsr = (value & 0x01) != 0;
            }

            if ((value & 0x40) != 0)
            {
                _specialMask = (value & 0x20) != 0;
            }
        }
        else
        {
            WriteEoi(value);
        }
    }

    private void WriteEoi(byte value)
    {
        int pin = value & 7;
        switch (value >> 5)
        {
            case 0:
                _rotateOnAutoEoi = false;
                break;
            case 4:
                _rotateOnAutoEoi = true;
                break;
            case 1 or 5:
                pin = HighestInService();
                if (pin < 0)
                {
                    break;
                }

                _isr &= (byte)~(1 << pin);
                if (value >> 5 == 5)
                {
                    _lowest = (byte)pin;
                }

                break;
            case 3 or 7:
                _isr &= (byte)~(1 << pin);
                if (value >> 5 == 7)
                {
                    _lowest = (byte)pin;
                }

                break;
            case 6:
                _lowest = (byte)pin;
                break;
        }
    }

    private int Highest()
    {
        int requests = Requests & ~_imr;
        if (requests == 0)
        {
            return -1;
        }

        int inService = _specialMask ? _isr & ~_imr : _isr;
        for (int i = 1; i <= 8; i++)
        {
            int pin = (_lowest + i) & 7;
            int bit = 1 << pin;
            if ((inService & bit) != 0)
            {
                // In special fully nested mode the slave may interrupt its own handler with a higher request.
                return isMaster && _specialFullyNested && pin == CascadePin && (requests & bit) != 0 ? pin : -1;
            }

            if ((requests & bit) != 0)
            {
                return pin;
            }
        }

        return -1;
    }

    private int HighestInService()
    {
        int inService = _specialMask ? _isr & ~_imr : _isr;
        for (int i = 1; i <= 8; i++)
        {
            int pin = (_lowest + i) & 7;
            if ((inService & (1 << pin)) != 0)
            {
                return pin;
            }
        }

        return -1;
    }
}
