using Bulkhead.Core.Io;

namespace Bulkhead.Devices.Chipset;

/// <summary>What is left of a keyboard controller: the reset pulse, and port 0x92 beside it.</summary>
/// <remarks>
/// Status reads all ones, as where no controller is: Linux drains sixteen bytes (under a millisecond) and gives up,
/// where an idle but mute controller would cost it a second of timeouts. The A20 gate is always open.
/// </remarks>
public sealed class I8042Reset : IByteRegisters
{
    private const int CommandBank = 1;
    private const int FastBank = 2;

    private readonly Action _reset;

    /// <summary>A controller that calls <paramref name="reset"/> on the vCPU's thread.</summary>
    public I8042Reset(Action reset)
    {
        _reset = reset;
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

    byte IByteRegisters.ReadByte(int bank, int offset) => bank == FastBank ? (byte)0x02 : (byte)0xFF;

    void IByteRegisters.WriteByte(int bank, int offset, byte value)
    {
        if ((bank == CommandBank && value == 0xFE) || (bank == FastBank && (value & 1) != 0))
        {
            _reset();
        }
    }
}
