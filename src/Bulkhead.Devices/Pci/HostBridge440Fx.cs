using Bulkhead.Core.State;

namespace Bulkhead.Devices.Pci;

/// <summary>The host bridge of an Intel 440FX; its device-specific registers are memory without effect.</summary>
internal sealed class HostBridge440Fx : IPciFunction
{
    private const int OfDevice = 0x40;

    private readonly byte[] _config = new byte[256];

    /// <summary>A bridge as reset leaves it.</summary>
    public HostBridge440Fx()
    {
        ReadOnlySpan<byte> header = [0x86, 0x80, 0x37, 0x12, 0x06, 0x00, 0x80, 0x02, 0x02, 0x00, 0x00, 0x06];
        header.CopyTo(_config);
    }

    /// <inheritdoc/>
    public void ReadConfig(int offset, Span<byte> data) => _config.AsSpan(offset, data.Length).CopyTo(data);

    /// <inheritdoc/>
    public void Save(StateWriter writer) => writer.Write(_config.AsSpan(OfDevice));

    /// <inheritdoc/>
    public void Restore(StateReader reader) => reader.Read(_config.AsSpan(OfDevice));

    /// <inheritdoc/>
    public void WriteConfig(int offset, ReadOnlySpan<byte> data)
    {
        if (offset >= OfDevice)
        {
            data.CopyTo(_config.AsSpan(offset));
        }
    }
}
