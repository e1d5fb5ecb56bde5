using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;

namespace Bulkhead.Devices.Chipset;

/// <summary>A 16550A serial port: eight ports, 16-byte receive FIFO, instant transmit.</summary>
/// <remarks>
/// <para><i>Threading</i>: any; guarded by its own lock, which comes before the interrupt router's.</para>
/// <para>The line is not gated by MCR.OUT2: guests that forget it work, those that set it see no difference.</para>
/// <para><i>Source</i>: TI PC16550D Universal Asynchronous Receiver/Transmitter with FIFOs, 8.0 Registers.</para>
/// </remarks>
public sealed class Serial16550(ISerialSink sink, InterruptLine irq) : IIoDevice, IByteRegisters
{
    private const int FifoSize = 16;
    private const byte IerReceive = 1;
    private const byte IerTransmit = 2;
    private const byte IerLineStatus = 4;
    private const byte IerModem = 8;
    private const byte IirNone = 0x01;
    private const byte IirModem = 0x00;
    private const byte IirTransmit = 0x02;
    private const byte IirReceive = 0x04;
    private const byte IirLineStatus = 0x06;
    private const byte IirTimeout = 0x0C;
    private const int LineStatus = 5;
    private const byte LcrDlab = 0x80;
    private const byte McrLoop = 0x10;
    private const byte LsrDataReady = 0x01;
    private const byte LsrOverrun = 0x02;
    private const byte LsrEmpty = 0x60;
    private const byte ModemConnected = 0xB0;

    private readonly Lock _lock = new();
    private readonly byte[] _fifo = new byte[FifoSize];
    private int _head;
    private int _count;
    private bool _fifoEnabled;
    private int _trigger = 1;
    private byte _ier;
    private byte _lcr;
    private byte _mcr;
    private byte _scratch;
    private byte _divisorLow = 12;
    private byte _divisorHigh;
    private byte _modemDelta;
    private bool _overrun;
    private bool _transmitPending;
    private bool _refused;
    private bool _line;

    /// <summary>Raised (without the lock, on a vCPU's thread) when bytes that <see cref="Receive"/> refused would now fit.</summary>
    public event Action? RoomAvailable;

    /// <summary>Offers bytes to the guest; returns how many were taken, the rest wait for <see cref="RoomAvailable"/>.</summary>
    public int Receive(ReadOnlySpan<byte> data)
    {
        lock (_lock)
        {
            int taken = 0;
            while (taken < data.Length && HasRoom)
            {
                Push(data[taken++]);
            }

            _refused |= taken < data.Length;
            Update();
            return taken;
        }
    }

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

    byte IByteRegisters.ReadByte(int bank, int offset)
    {
        if (offset == LineStatus && !Volatile.Read(ref _overrun))
        {
            return Lsr; // looked at for each byte that is sent; nothing changes by it
        }

        byte value;
        bool room;
        lock (_lock)
        {
            value = ReadRegister(offset);
            Update();
            room = TakeRoomNotice();
        }

        if (room)
        {
            RoomAvailable?.Invoke();
        }

        return value;
    }

    void IByteRegisters.WriteByte(int bank, int offset, byte value)
    {
        bool room;
        lock (_lock)
        {
            WriteRegister(offset, value);
            Update();
            room = TakeRoomNotice();
        }

        if (room)
        {
            RoomAvailable?.Invoke();
        }
    }

    private bool Loop => (_mcr & McrLoop) != 0;

    private bool HasRoom => !Loop && _count < (_fifoEnabled ? FifoSize : 1);

    /// <summary>The line status, without errors.</summary>
    private byte Lsr => (byte)(LsrEmpty | (Volatile.Read(ref _count) > 0 ? LsrDataReady : 0));

    private byte ModemLines => Loop
        ? (byte)(((_mcr & 2) << 3) | ((_mcr & 1) << 5) | ((_mcr & 0x0C) << 4))
        : ModemConnected;

    private byte ReadRegister(int offset)
    {
        bool divisor = (_lcr & LcrDlab) != 0;
        switch (offset)
        {
            case 0 when divisor:
                return _divisorLow;
            case 0:
                return Pop();
            case 1:
                return divisor ? _divisorHigh : _ier;
            case 2:
                byte source = Source();
                if (source == IirTransmit)
                {
                    _transmitPending = false;
                }

                return (byte)(source | (_fifoEnabled ? 0xC0 : 0));
            case 3:
                return _lcr;
            case 4:
                return _mcr;
            case LineStatus:
                byte lsr = (byte)(Lsr | (_overrun ? LsrOverrun : 0));
                _overrun = false;
                return lsr;
            case 6:
                byte msr = (byte)(ModemLines | _modemDelta);
                _modemDelta = 0;
                return msr;
            case 7:
                return _scratch;
            default:
                return 0xFF;
        }
    }

    private void WriteRegister(int offset, byte value)
    {
        bool divisor = (_lcr & LcrDlab) != 0;
        switch (offset)
        {
            case 0 when divisor:
                _divisorLow = value;
                break;
            case 0:
                Transmit(value);
                break;
            case 1 when divisor:
                _divisorHigh = value;
                break;
            case 1:
                // The holding register is always empty here, so enabling its interrupt raises it at once;
                // Linux's test for UARTs that lose it depends on this.
                _transmitPending |= (value & ~_ier & IerTransmit) != 0;
                _ier = (byte)(value & 0x0F);
                break;
            case 2:
                WriteFifoControl(value);
                break;
            case 3:
                _lcr = value;
                break;
            case 4:
                WriteModemControl(value);
                break;
            case 7:
                _scratch = value;
                break;
        }
    }

    private void Transmit(byte value)
    {
        if (!Loop)
        {
            sink.Write(new ReadOnlySpan<byte>(in value));
        }
        else if (_count < (_fifoEnabled ? FifoSize : 1))
        {
            Push(value);
        }
        else
        {
            _overrun = true;
        }

        _transmitPending = true;
    }

    private void WriteFifoControl(byte value)
    {
        bool enable = (value & 1) != 0;
        if (enable != _fifoEnabled || (value & 2) != 0)
        {
            _count = 0;
        }

        _fifoEnabled = enable;
        _trigger = enable ? (value >> 6) switch { 0 => 1, 1 => 4, 2 => 8, _ => 14 } : 1;
    }

    private void WriteModemControl(byte value)
    {
        byte before = ModemLines;
        _mcr = (byte)(value & 0x1F);
        byte changed = (byte)(before ^ ModemLines);

        // CTS, DSR and DCD report any change, RI only its trailing edge.
        _modemDelta |= (byte)(((changed & 0xB0) >> 4) | ((changed & before & 0x40) >> 4));
    }

    private byte Source()
    {
        if ((_ier & IerLineStatus) != 0 && _overrun)
        {
            return IirLineStatus;
        }

        if ((_ier & IerReceive) != 0 && _count > 0)
        {
            // Bytes below the trigger level would wait four character times; here that time has always passed.
            return _count >= _trigger ? IirReceive : IirTimeout;
        }

        if ((_ier & IerTransmit) != 0 && _transmitPending)
        {
            return IirTransmit;
        }

        return (_ier & IerModem) != 0 && _modemDelta != 0 ? IirModem : IirNone;
    }

    private void Update()
    {
        bool high = Source() != IirNone;
        if (high != _line)
        {
            _line = high;
            irq.Set(high);
        }
    }

    private bool TakeRoomNotice()
    {
        if (!_refused || !HasRoom)
        {
            return false;
        }

        _refused = false;
        return true;
    }

    private void Push(byte value) => _fifo[(_head + _count++) % FifoSize] = value;

    private byte Pop()
    {
        if (_count == 0)
        {
            return 0;
        }

        byte value = _fifo[_head];
        _head = (_head + 1) % FifoSize;
        _count--;
        return value;
    }
}
