using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;
using Bulkhead.Core.State;
using Bulkhead.Devices.Chipset;

namespace Bulkhead.Devices.Keyboard;

/// <summary>The keyboard controller of a PC, with a keyboard and without a mouse, and port 0x92 beside it.</summary>
/// <remarks>
/// <code>
/// status: 0 output full   1 input full (never)   2 self-test passed   3 command written last   4 not locked
/// mode:   0 interrupt   2 self-test passed   4 keyboard off   5 mouse off   6 translate to set 1
/// </code>
/// The A20 gate is always open. The interrupt is an edge for each byte. <i>Threading</i>: vCPUs and whoever types; own lock, held
/// around the interrupt line. <i>Source</i>: IBM Personal System/2 Hardware Interface Technical Reference, "Keyboard and Auxiliary
/// Device Controller".
/// </remarks>
public sealed class I8042 : IByteRegisters
{
    private const int CommandBank = 1;
    private const int FastBank = 2;
    private const byte OutputFull = 1;
    private const byte CommandLast = 1 << 3;
    private const byte Unlocked = 1 << 4;
    private const byte Interrupts = 1;
    private const byte SelfTested = 1 << 2;
    private const byte KeyboardOff = 1 << 4;
    private const byte MouseOff = 1 << 5;
    private const byte Translates = 1 << 6;
    private const byte ReadMode = 0x20;
    private const byte WriteMode = 0x60;
    private const byte WriteOutputPort = 0xD1;
    private const byte WriteKeyboardOutput = 0xD2;
    private const byte WriteMouseOutput = 0xD3;
    private const byte WriteMouse = 0xD4;
    private const byte OutputPort = 0x03; // not in reset, A20 open

    private readonly Lock _lock = new();
    private readonly Ps2Keyboard _keyboard = new();
    private readonly InterruptLine _line;
    private readonly Action _reset;
    private byte _mode = Interrupts | Translates | SelfTested;
    private byte _status = Unlocked | SelfTested;
    private byte _output;
    private byte _awaits;
    private bool _releases;

    /// <summary>A controller that calls <paramref name="reset"/> on the vCPU's thread.</summary>
    /// <param name="line">The keyboard's interrupt, 1 on a PC.</param>
    /// <param name="reset">What the reset pulse does.</param>
    public I8042(InterruptLine line, Action reset)
    {
        (_line, _reset) = (line, reset);
        DataPort = new ByteBank(this, 0);
        CommandPort = new ByteBank(this, CommandBank);
        FastPort = new ByteBank(this, FastBank);
    }

    /// <summary>One port, 0x60 on a PC.</summary>
    public IIoDevice DataPort { get; }

    /// <summary>One port, 0x64 on a PC.</summary>
    public IIoDevice CommandPort { get; }

    /// <summary>One port, 0x92 on a PC.</summary>
    public IIoDevice FastPort { get; }

    /// <summary>A key moves; false where the guest has yet to read what came before, and nothing happens.</summary>
    public bool TryPress(KeyStroke stroke)
    {
        lock (_lock)
        {
            bool taken = _keyboard.TryPress(stroke);
            Fill();
            return taken;
        }
    }

    /// <summary>Writes the state of controller and keyboard.</summary>
    public void Save(StateWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        lock (_lock)
        {
            writer.Begin("i8042", 1);
            writer.Write(_mode);
            writer.Write(_status);
            writer.Write(_output);
            writer.Write(_awaits);
            writer.Write(_releases);
            _keyboard.Save(writer);
            writer.End();
        }
    }

    /// <summary>Reads that again.</summary>
    public void Restore(StateReader reader)
    {
        ArgumentNullException.ThrowIfNull(reader);
        lock (_lock)
        {
            _ = reader.Begin("i8042", 1);
            _mode = reader.ReadByte();
            _status = (byte)((reader.ReadByte() & (OutputFull | CommandLast | SelfTested)) | Unlocked);
            _output = reader.ReadByte();
            _awaits = reader.ReadByte();
            _releases = reader.ReadBoolean();
            _keyboard.Restore(reader);
            reader.EndSection();
            Signal();
        }
    }

    byte IByteRegisters.ReadByte(int bank, int offset)
    {
        lock (_lock)
        {
            switch (bank)
            {
                case FastBank:
                    return 0x02;
                case CommandBank:
                    return _status;
                default:
                    byte value = _output;
                    _status &= unchecked((byte)~OutputFull);
                    Signal();
                    Fill();
                    return value;
            }
        }
    }

    void IByteRegisters.WriteByte(int bank, int offset, byte value)
    {
        bool resets;
        lock (_lock)
        {
            switch (bank)
            {
                case FastBank:
                    resets = (value & 1) != 0;
                    break;
                case CommandBank:
                    _status |= CommandLast;
                    resets = Command(value);
                    break;
                default:
                    _status &= unchecked((byte)~CommandLast);
                    resets = Data(value);
                    break;
            }

            Fill();
        }

        if (resets)
        {
            _reset();
        }
    }

    private bool Command(byte value)
    {
        _awaits = 0;
        switch (value)
        {
            case ReadMode:
                Answer(_mode);
                break;
            case WriteMode or WriteOutputPort or WriteKeyboardOutput or WriteMouseOutput or WriteMouse:
                _awaits = value;
                break;
            case 0xA7:
                _mode |= MouseOff;
                break;
            case 0xA8:
                _mode &= unchecked((byte)~MouseOff);
                break;
            case 0xA9: // test the mouse's port: its clock stands still
                Answer(1);
                break;
            case 0xAA: // self-test
                _status |= SelfTested;
                Answer(0x55);
                break;
            case 0xAB: // test the keyboard's port
                Answer(0);
                break;
            case 0xAD:
                _mode |= KeyboardOff;
                break;
            case 0xAE:
                _mode &= unchecked((byte)~KeyboardOff);
                break;
            case 0xC0: // the input port: not locked
                Answer(0x80);
                break;
            case 0xD0:
                Answer(OutputPort | ((_status & OutputFull) << 4));
                break;
            default:
                // A pulse of the output port's low bits, those that are 0 here; bit 0 is the reset line.
                return value >= 0xF0 && (value & 1) == 0;
        }

        return false;
    }

    private bool Data(byte value)
    {
        byte awaited = _awaits;
        _awaits = 0;
        switch (awaited)
        {
            case WriteMode:
                _mode = value;
                Signal();
                break;
            case WriteOutputPort:
                return (value & 1) == 0;
            case WriteKeyboardOutput or WriteMouseOutput:
                Answer(value);
                break;
            case WriteMouse:
                break; // nobody is there
            default:
                _mode &= unchecked((byte)~KeyboardOff);
                _keyboard.Write(value);
                break;
        }

        return false;
    }

    private void Answer(int value)
    {
        _output = (byte)value;
        _status |= OutputFull;
        Signal();
    }

    /// <summary>Takes the keyboard's next byte where there is room for it.</summary>
    private void Fill()
    {
        while ((_status & OutputFull) == 0 && (_mode & KeyboardOff) == 0 && _keyboard.HasByte)
        {
            byte value = _keyboard.Take();
            if ((_mode & Translates) == 0)
            {
                Answer(value);
            }
            else if (value == ScanCodes.Release)
            {
                _releases = true;
            }
            else
            {
                byte code = ScanCodes.ToSet1(value);
                Answer(_releases && code < ScanCodes.Up ? code | ScanCodes.Up : code);
                _releases = false;
            }
        }
    }

    private void Signal() => _line.Set((_status & OutputFull) != 0 && (_mode & Interrupts) != 0);
}
