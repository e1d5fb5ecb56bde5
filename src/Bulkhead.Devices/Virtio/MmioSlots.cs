using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;
using Bulkhead.Core.State;

namespace Bulkhead.Devices.Virtio;

/// <summary>Windows of registers, one behind the other, each with a wire of its own.</summary>
/// <param name="bus">Where they are found.</param>
/// <param name="start">The first one's address.</param>
/// <param name="lines">The wires; there are as many windows at most.</param>
/// <remarks><i>Threading</i>: filled while the machine is built.</remarks>
public sealed class MmioSlots(IoBus bus, ulong start, params InterruptLine[] lines)
{
    /// <summary>The size of a window.</summary>
    public const uint WindowBytes = MmioRegisters.Size;

    private readonly List<VirtioMmio> _devices = [];

    /// <summary>Writes the state of every device.</summary>
    public void Save(StateWriter writer) => _devices.ForEach(d => d.Save(writer));

    /// <summary>Reads that again.</summary>
    public void Restore(StateReader reader) => _devices.ForEach(d => d.Restore(reader));

    /// <summary>Puts a device into the next window.</summary>
    internal void Add(Func<InterruptLine, VirtioMmio> make)
    {
        VirtioMmio device = make(lines[_devices.Count]);
        bus.Map(start + ((ulong)_devices.Count * WindowBytes), WindowBytes, device);
        _devices.Add(device);
    }
}
