using Bulkhead.Core.State;

namespace Bulkhead.Devices.Pci;

/// <summary>The bridge to the ISA bus of an Intel PIIX3; its device-specific registers are memory without effect.</summary>
/// <remarks>Interrupts of PCI devices lead to the I/O APIC only: what its registers route to ISA interrupts goes nowhere.
/// <i>Source</i>: Intel 82371FB/82371SB Datasheet, 2.1 PCI to ISA Bridge Configuration Registers.</remarks>
public sealed class IsaBridgePiix3 : IPciFunction
{
    private const int OfDevice = 0x40;

    private readonly byte[] _config = new byte[256];

    /// <summary>A bridge as reset leaves it.</summary>
    public IsaBridgePiix3()
    {
        ReadOnlySpan<byte> header = [0x86, 0x80, 0x00, 0x70, 0x07, 0x00, 0x00, 0x02, 0x00, 0x00, 0x01, 0x06, 0x00, 0x00, 0x80];
        header.CopyTo(_config);
        _config.AsSpan(0x60, 4).Fill(0x80); // nothing is routed
    }

    /// <inheritdoc/>
    public void ReadConfig(int offset, Span<byte> data) => _config.AsSpan(offset, data.Length).CopyTo(data);

    /// <inheritdoc/>
    public void WriteConfig(int offset, ReadOnlySpan<byte> data)
    {
        if (offset >= OfDevice)
        {
            data.CopyTo(_config.AsSpan(offset));
        }
    }

    /// <inheritdoc/>
    public void Save(StateWriter writer) => writer.Write(_config.AsSpan(OfDevice));

    /// <inheritdoc/>
    public void Restore(StateReader reader) => reader.Read(_config.AsSpan(OfDevice));
}
