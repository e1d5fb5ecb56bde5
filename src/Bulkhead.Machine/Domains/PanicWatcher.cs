using Bulkhead.Devices.Chipset;

namespace Bulkhead.Machine.Domains;

/// <summary>Passes serial output through and notices the line a Linux panic prints.</summary>
/// <remarks><i>Threading</i>: with the serial port's lock held, so one thread at a time.</remarks>
internal sealed class PanicWatcher(SerialOutput output, Action onPanic) : ISerialSink
{
    private int _matched;

    private static ReadOnlySpan<byte> Words => "Kernel panic - not syncing"u8;

    public void Write(ReadOnlySpan<byte> data)
    {
        foreach (byte b in data)
        {
            // 'K' stands only at the start, so a mismatch needs no more than a fresh start.
            _matched = b == Words[_matched] ? _matched + 1 : b == Words[0] ? 1 : 0;
            if (_matched == Words.Length)
            {
                _matched = 0;
                onPanic();
            }
        }

        output(data);
    }
}
