using Bulkhead.Core.Io;

namespace Bulkhead.Devices.Chipset;

/// <summary>One port window of a byte-wide chip; wider accesses are split as the ISA bus splits them.</summary>
internal sealed class ByteBank(IByteRegisters owner, int bank) : IIoDevice
{
    /// <inheritdoc/>
    public IoResult Read(ulong offset, Span<byte> data)
    {
        for (int i = 0; i < data.Length; i++)
        {
            data[i] = owner.ReadByte(bank, (int)offset + i);
        }

        return IoResult.Ok;
    }

    /// <inheritdoc/>
    public IoResult Write(ulong offset, ReadOnlySpan<byte> data)
    {
        for (int i = 0; i < data.Length; i++)
        {
            owner.WriteByte(bank, (int)offset + i, data[i]);
        }

        return IoResult.Ok;
    }
}
