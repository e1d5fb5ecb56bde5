namespace Bulkhead.Devices.Chipset;

/// <summary>A chip whose registers are one byte wide and stand in one or more separate port windows.</summary>
internal interface IByteRegisters
{
    /// <summary>Reads one register of a window.</summary>
    byte ReadByte(int bank, int offset);

    /// <summary>Writes one register of a window.</summary>
    void WriteByte(int bank, int offset, byte value);
}
