using Bulkhead.Core.Io;
using Bulkhead.Core.State;

namespace Bulkhead.Devices.Pci;

/// <summary>PCI configuration mechanism 1 with one bus: eight ports, 0xCF8 on a PC.</summary>
/// <remarks>
/// <para>Bus 0 device 0 is an Intel 440FX host bridge; where nobody is registered all ones are read.</para>
/// <para>The byte at 0xCF9 belongs to the chipset's reset control, which is passed in.</para>
/// <para><i>Threading</i>: functions are registered while the machine is built; own lock.</para>
/// <para><i>Source</i>: PCI Local Bus Specification 3.0, 3.2.2.3.2 Software Generation of Configuration Transactions.</para>
/// </remarks>
public sealed class PciHost : IIoDevice
{
    private const uint AddressBits = 0x80FF_FFFC;

    private readonly Lock _lock = new();
    private readonly IPciFunction?[] _functions = new IPciFunction?[256];
    private readonly IIoDevice? _resetPort;
    private uint _address;

    /// <summary>A bus with only its host bridge.</summary>
    /// <param name="resetPort">The chipset's reset control.</param>
    /// <param name="protect">Told which 16 KiB of RAM from C0000h on take no writes, a bit for each; null where no firmware runs.</param>
    public PciHost(IIoDevice? resetPort = null, Action<ushort>? protect = null)
    {
        _resetPort = resetPort;
        _functions[0] = new HostBridge440Fx(protect);
    }

    /// <summary>Puts a function on bus 0.</summary>
    public void Register(int device, int function, IPciFunction pciFunction)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)device, 31u);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)function, 7u);
        ref IPciFunction? slot = ref _functions[(device << 3) | function];
        if (slot is not null)
        {
            throw new ArgumentException($"PCI function {device:x2}.{function} is taken", nameof(device));
        }

        slot = pciFunction;
    }

    /// <inheritdoc/>
    public IoResult Read(ulong offset, Span<byte> data)
    {
        data.Fill(0xFF);
        if (offset >= 4)
        {
            lock (_lock)
            {
                if (TryFind(offset, data.Length, out IPciFunction? function, out int at))
                {
                    function.ReadConfig(at, data);
                }
            }
        }
        else if (offset == 0 && data.Length == 4)
        {
            LittleEndian.Put(data, _address);
        }
        else if (offset == 1 && data.Length == 1 && _resetPort is not null)
        {
            return _resetPort.Read(0, data);
        }

        return IoResult.Ok;
    }

    /// <inheritdoc/>
    public IoResult Write(ulong offset, ReadOnlySpan<byte> data)
    {
        if (offset >= 4)
        {
            lock (_lock)
            {
                if (TryFind(offset, data.Length, out IPciFunction? function, out int at))
                {
                    function.WriteConfig(at, data);
                }
            }
        }
        else if (offset == 0 && data.Length == 4)
        {
            _address = (uint)LittleEndian.Get(data) & AddressBits;
        }
        else if (offset == 1 && data.Length == 1 && _resetPort is not null)
        {
            return _resetPort.Write(0, data);
        }

        return IoResult.Ok;
    }

    /// <summary>Writes the state of every function.</summary>
    public void Save(StateWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.Begin("pci", 1);
        writer.Write(_address);
        foreach (IPciFunction? function in _functions)
        {
            function?.Save(writer);
        }

        writer.End();
    }

    /// <summary>Reads that again, into a bus with the same functions.</summary>
    public void Restore(StateReader reader)
    {
        ArgumentNullException.ThrowIfNull(reader);
        _ = reader.Begin("pci", 1);
        _address = reader.ReadUInt32() & AddressBits;
        lock (_lock)
        {
            foreach (IPciFunction? function in _functions)
            {
                function?.Restore(reader);
            }
        }

        reader.EndSection();
    }

    private bool TryFind(
        ulong offset, int length, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IPciFunction? function, out int at)
    {
        uint address = _address;
        at = (int)(address & 0xFC) + (int)(offset & 3);
        bool enabled = (address & 0x80FF_0000) == 0x8000_0000 && (int)(offset & 3) + length <= 4;
        function = enabled ? _functions[(address >> 8) & 0xFF] : null;
        return function is not null;
    }
}
