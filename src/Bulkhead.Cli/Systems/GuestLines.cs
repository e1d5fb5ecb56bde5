using System.Text;

namespace Bulkhead.Cli.Systems;

/// <summary>Cuts a guest's output into lines that cannot drive the operator's terminal.</summary>
/// <remarks>Escape sequences and control characters are left out. <i>Threading</i>: the control thread.</remarks>
internal sealed class GuestLines(ConsoleLog log, Action<string> say)
{
    private const int Longest = 4096;
    private const byte Escape = 0x1B;

    private readonly byte[] _chunk = new byte[4096];
    private readonly List<byte> _line = [];
    private long _position;
    private Sequence _sequence;

    private enum Sequence
    {
        None,
        Begun,
        Control,
        Text,
    }

    /// <summary>Says every line that came since the last call; with <paramref name="all"/> also one without its end. Whether anything came.</summary>
    internal bool Drain(bool all = false)
    {
        long from = _position;
        for (int count = log.Read(ref _position, _chunk); count > 0; count = log.Read(ref _position, _chunk))
        {
            foreach (byte b in _chunk.AsSpan(0, count))
            {
                Take(b);
            }
        }

        if (all && _line.Count > 0)
        {
            Say();
        }

        return _position != from;
    }

    private void Take(byte b)
    {
        if (b == '\n' || _line.Count == Longest)
        {
            Say();
            _sequence = Sequence.None;
        }

        switch (_sequence)
        {
            case Sequence.Begun:
                // ECMA-48: CSI ends with a byte of 0x40 or more; OSC and the like with BEL or ST; others are one byte.
                _sequence = b switch { (byte)'[' => Sequence.Control, (byte)']' or (byte)'P' or (byte)'_' or (byte)'^' or (byte)'X' => Sequence.Text, _ => Sequence.None };
                break;
            case Sequence.Control:
                _sequence = b is >= 0x40 and < 0x7F ? Sequence.None : Sequence.Control;
                break;
            case Sequence.Text:
                _sequence = b == 7 ? Sequence.None : b == Escape ? Sequence.Begun : Sequence.Text;
                break;
            default:
                if (b == Escape)
                {
                    _sequence = Sequence.Begun;
                }
                else if (b is >= 0x20 and not 0x7F or (byte)'\t')
                {
                    _line.Add(b);
                }

                break;
        }
    }

    private void Say()
    {
        string text = Encoding.UTF8.GetString([.. _line]);
        say(text.Any(IsControl) ? string.Concat(text.Where(static c => !IsControl(c))) : text);
        _line.Clear();
    }

    // UTF-8 can spell the control characters beyond ASCII.
    private static bool IsControl(char c) => char.IsControl(c) && c != '\t';
}
