using Bulkhead.Core.Io;
using Bulkhead.Core.Memory;

namespace Bulkhead.Devices.Pci;

/// <summary>A range of addresses a function answers at: registers, or memory that is not RAM.</summary>
/// <remarks><i>Shape</i>: registers by a 32-bit BAR, memory by one that may be prefetched. <i>Threading</i>: the PCI host's lock; <see cref="SetPresent"/> from any,
/// so that where it is goes with whether it is there under a lock of its own, taken after that.</remarks>
public sealed class PciBar
{
    private readonly PciConfigSpace _config;
    private readonly int _offset;
    private readonly Lock _lock = new();
    private bool _present;

    internal PciBar(PciConfigSpace config, int offset, ulong sizeBytes, IIoDevice? registers, SharedWindow? memory, bool wide) =>
        (_config, _offset, SizeBytes, Registers, Memory, IsWide) = (config, offset, sizeBytes, registers, memory, wide);

    /// <summary>Its size, a power of two.</summary>
    internal ulong SizeBytes { get; }

    /// <summary>The registers, or null.</summary>
    internal IIoDevice? Registers { get; }

    /// <summary>The memory, or null.</summary>
    internal SharedWindow? Memory { get; }

    /// <summary>Whether it has 64 bits.</summary>
    internal bool IsWide { get; }

    /// <summary>Where the guest wants it; null for nowhere.</summary>
    internal ulong? Wanted => _config.DecodesMemory ? _config.ReadBar(_offset, IsWide) : null;

    /// <summary>Where it is; null for nowhere.</summary>
    internal ulong? At { get; private set; }

    /// <summary>Writes its register, as firmware would.</summary>
    internal void Assign(ulong address) => _config.WriteBar(_offset, address, IsWide);

    /// <summary>Leaves where it is not wanted any more.</summary>
    internal void Leave(IoBus bus)
    {
        if (At is null || At == Wanted)
        {
            return;
        }

        if (Registers is not null)
        {
            bus.Unmap(Registers);
        }

        MoveTo(null);
    }

    /// <summary>Goes where it is wanted, if there is room.</summary>
    internal void Enter(IoBus bus)
    {
        if (At is null && Wanted is { } address && (Registers is null || bus.TryMap(address, SizeBytes, Registers)))
        {
            MoveTo(address);
        }
    }

    /// <summary>Whether the memory is there at all: what was revoked is not.</summary>
    internal void SetPresent(bool present)
    {
        lock (_lock)
        {
            _present = present;
            Place();
        }
    }

    private void MoveTo(ulong? address)
    {
        lock (_lock)
        {
            At = address;
            Place();
        }
    }

    private void Place() => Memory?.Place(_present ? At : null);
}
