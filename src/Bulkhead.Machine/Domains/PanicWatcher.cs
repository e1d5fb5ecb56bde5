using System.Text;
using Bulkhead.Devices.Chipset;

namespace Bulkhead.Machine.Domains;

/// <summary>Passes serial output through and notices the line a Linux panic prints, with what follows in it.</summary>
/// <remarks><i>Threading</i>: with the serial port's lock held, so one thread at a time.</remarks>
internal sealed class PanicWatcher(SerialOutput output, Action<string> onPanic) : ISerialSink
{
    private const int LongestReason = 160;

    private readonly StringBuilder _reason = new();
    private int _matched;
    private bool _inReason;

    private static ReadOnlySpan<byte> Words => "Kernel panic - not syncing"u8;

    public void Write(ReadOnlySpan<byte> data)
    {
        foreach (byte b in data)
        {
            if (_inReason)
            {
                Collect(b);
                continue;
            }

            // 'K' stands only at the start, so a mismatch needs no more than a fresh start.
            _matched = b == Words[_matched] ? _matched + 1 : b == Words[0] ? 1 : 0;
            if (_matched == Words.Length)
            {
                _matched = 0;
                _inReason = true;
                onPanic(string.Empty);
            }
        }

        output(data);
    }

    private void Collect(byte b)
    {
        if (b is (byte)'\r' or (byte)'\n' || _reason.Length == LongestReason)
        {
            onPanic(_reason.ToString().Trim(':', ' '));
            _ = _reason.Clear();
            _inReason = false;
        }
        else
        {
            _ = _reason.Append(b is >= 0x20 and < 0x7F ? (char)b : '?');
        }
    }
}
