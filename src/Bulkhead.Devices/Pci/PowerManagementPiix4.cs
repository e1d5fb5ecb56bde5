using System.Buffers.Binary;
using Bulkhead.Core.Io;
using Bulkhead.Core.State;

namespace Bulkhead.Devices.Pci;

/// <summary>The power management function of an Intel PIIX4: says where the fixed ACPI ports are, and lets firmware choose.</summary>
/// <remarks>
/// The ports stand where the ACPI tables say as well. There is no system management mode: the register says that it was set up already,
/// and firmware passes it by.
/// <i>Source</i>: Intel 82371AB (PIIX4) Datasheet, 7.1 Power Management PCI Configuration Registers.
/// </remarks>
/// <param name="ports">Where the ports are found.</param>
/// <param name="blocks">The ports, and how far they are from the first of them.</param>
/// <param name="fixedAt">Where they stand in any case.</param>
public sealed class PowerManagementPiix4(IoBus ports, IReadOnlyList<(ushort Offset, ushort Length, IIoDevice Device)> blocks, ushort fixedAt) : IPciFunction
{
    private const int OfDevice = 0x40;
    private const int Base = 0x40;
    private const int DeviceActivityB = 0x58;
    private const int Miscellaneous = 0x80;
    private const uint ManagementModeSet = 1 << 25;

    private readonly byte[] _config = Header();
    private readonly List<IIoDevice> _placed = [];
    private ushort _at;

    /// <inheritdoc/>
    public void ReadConfig(int offset, Span<byte> data) => _config.AsSpan(offset, data.Length).CopyTo(data);

    /// <inheritdoc/>
    public void WriteConfig(int offset, ReadOnlySpan<byte> data)
    {
        if (offset >= OfDevice)
        {
            data.CopyTo(_config.AsSpan(offset));
            _config[Base] |= 1; // ports
            Move();
        }
    }

    /// <inheritdoc/>
    public void Save(StateWriter writer) => writer.Write(_config.AsSpan(OfDevice));

    /// <inheritdoc/>
    public void Restore(StateReader reader)
    {
        reader.Read(_config.AsSpan(OfDevice));
        Move();
    }

    private static byte[] Header()
    {
        byte[] config = new byte[256];
        ReadOnlySpan<byte> header = [0x86, 0x80, 0x13, 0x71, 0x01, 0x00, 0x80, 0x02, 0x03, 0x00, 0x80, 0x06];
        header.CopyTo(config);
        config[0x3D] = 1; // INTA
        config[Base] = 1;
        BinaryPrimitives.WriteUInt32LittleEndian(config.AsSpan(DeviceActivityB), ManagementModeSet);
        return config;
    }

    private void Move()
    {
        ushort wanted = (_config[Miscellaneous] & 1) == 0 ? (ushort)0 : (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(_config.AsSpan(Base)) & 0xFFC0);
        if (wanted == _at)
        {
            return;
        }

        foreach (IIoDevice device in _placed)
        {
            ports.Unmap(device);
        }

        _placed.Clear();
        _at = wanted;
        foreach ((ushort offset, ushort length, IIoDevice device) in wanted is 0 || wanted == fixedAt ? [] : blocks)
        {
            var here = new Second(device);
            if (ports.TryMap((ulong)wanted + offset, length, here))
            {
                _placed.Add(here);
            }
        }
    }

    /// <summary>A device at a second place, from which it can be taken away.</summary>
    private sealed class Second(IIoDevice device) : IIoDevice
    {
        public IoResult Read(ulong offset, Span<byte> data) => device.Read(offset, data);

        public IoResult Write(ulong offset, ReadOnlySpan<byte> data) => device.Write(offset, data);
    }
}
