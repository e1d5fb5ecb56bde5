using Bulkhead.Core.State;

namespace Bulkhead.Devices.Keyboard;

/// <summary>A keyboard at a PS/2 port: sends codes of set 2 (or 1, if it is asked to), and answers commands.</summary>
/// <remarks><i>Threading</i>: the controller's lock. <i>Source</i>: IBM Personal System/2 Hardware Interface Technical Reference, Keyboards,
/// "Commands from the System".</remarks>
internal sealed class Ps2Keyboard
{
    private const byte Acknowledge = 0xFA;
    private const byte Resend = 0xFE;
    private const byte SelfTestPassed = 0xAA;
    private const byte SetIndicators = 0xED;
    private const byte Echo = 0xEE;
    private const byte SelectSet = 0xF0;
    private const byte ReadId = 0xF2;
    private const byte SetRate = 0xF3;
    private const byte Enable = 0xF4;
    private const byte DefaultDisable = 0xF5;
    private const byte SetDefault = 0xF6;
    private const byte Reset = 0xFF;
    private const int Room = 16;

    private readonly byte[] _queue = new byte[Room];
    private int _first;
    private int _count;
    private byte _awaits;
    private byte _set = 2;
    private bool _scans = true;
    private byte _last;

    /// <summary>Whether it has something to send.</summary>
    internal bool HasByte => _count > 0;

    /// <summary>A key moves; false where there is no room for its codes, and nothing happens.</summary>
    internal bool TryPress(KeyStroke stroke)
    {
        byte code = (byte)stroke.Key;
        byte second = ScanCodes.ToSet2(code);
        if (!_scans || second == 0)
        {
            return true;
        }

        if (_count > Room - ScanCodes.MostBytes)
        {
            return false;
        }

        if ((stroke.Key & KeyStroke.Extended) == KeyStroke.Extended)
        {
            Put(ScanCodes.Extended);
        }

        if (_set == 1)
        {
            Put((byte)(code | (stroke.Release ? ScanCodes.Up : 0)));
            return true;
        }

        if (stroke.Release)
        {
            Put(ScanCodes.Release);
        }

        Put(second);
        return true;
    }

    /// <summary>The next byte it sends.</summary>
    internal byte Take()
    {
        byte value = _queue[_first];
        _first = (_first + 1) % Room;
        _count--;
        return _last = value;
    }

    /// <summary>A command, or what belongs to one, comes in.</summary>
    internal void Write(byte value)
    {
        byte awaited = _awaits;
        _awaits = 0;
        switch (awaited)
        {
            case SetIndicators or SetRate when value < Up:
                Put(Acknowledge);
                return;
            case SelectSet when value == 0:
                Put(Acknowledge);
                Put(_set);
                return;
            case SelectSet when value is 1 or 2:
                _set = value;
                Put(Acknowledge);
                return;
            case SelectSet when value < Up:
                Put(Resend);
                return;
        }

        Command(value);
    }

    internal void Save(StateWriter writer)
    {
        writer.Write(_queue);
        writer.Write((byte)_first);
        writer.Write((byte)_count);
        writer.Write(_awaits);
        writer.Write(_set);
        writer.Write(_scans);
        writer.Write(_last);
    }

    internal void Restore(StateReader reader)
    {
        reader.Read(_queue);
        _first = reader.ReadByte();
        _count = reader.ReadByte();
        _awaits = reader.ReadByte();
        _set = reader.ReadByte();
        _scans = reader.ReadBoolean();
        _last = reader.ReadByte();
        reader.Require(_first < Room && _count <= Room && _set is 1 or 2 || reader.Error is not null, "no state of a keyboard");
        if (reader.Error is not null)
        {
            (_first, _count) = (0, 0);
        }
    }

    // What begins a command, as against what follows one.
    private const byte Up = 0x80;

    private void Command(byte value)
    {
        switch (value)
        {
            case SetIndicators or SetRate or SelectSet:
                _awaits = value;
                Put(Acknowledge);
                break;
            case Echo:
                Put(Echo);
                break;
            case ReadId:
                Put(Acknowledge);
                Put(0xAB);
                Put(0x83);
                break;
            case Enable:
                _scans = true;
                Put(Acknowledge);
                break;
            case DefaultDisable or SetDefault or Reset:
                (_count, _set, _scans) = (0, 2, value != DefaultDisable);
                Put(Acknowledge);
                if (value == Reset)
                {
                    Put(SelfTestPassed);
                }

                break;
            case Resend:
                Put(_last);
                break;
            default:
                Put(Resend);
                break;
        }
    }

    // An answer that has no room left takes the place of what was typed last.
    private void Put(byte value)
    {
        if (_count < Room)
        {
            _count++;
        }

        _queue[(_first + _count - 1) % Room] = value;
    }
}
