using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Memory;
using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Pci;
using Bulkhead.Devices.Virtio.Block;

namespace Bulkhead.Devices.Virtio;

/// <summary>Puts virtio devices into PCI slots, and ends them together.</summary>
/// <remarks><i>Threading</i>: filled while the machine is built; disposed when no vCPU runs.</remarks>
public sealed class PciDevices(PciSlots slots, GuestMemory memory, IInterruptMessages messages) : IDisposable
{
    private readonly List<VirtioFunction> _functions = [];
    private readonly List<IDeviceExecutor> _executors = [];

    /// <summary>Adds a disk with a queue for each executor, which are disposed with it; the disk is not.</summary>
    public void AddDisk(IDisk disk, string serial, params IReadOnlyList<IDeviceExecutor> executors)
    {
        _executors.AddRange(executors);
        Add(new VirtioBlock(disk, serial, executors));
    }

    /// <summary>Holds the work of all devices and waits until they stand still; no vCPU runs until <see cref="Resume"/>.</summary>
    public void Pause() => _functions.ForEach(static f => f.Pause());

    /// <summary>The work goes on.</summary>
    public void Resume() => _functions.ForEach(static f => f.Resume());

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (VirtioFunction function in _functions)
        {
            function.Shutdown();
        }

        foreach (IDeviceExecutor executor in _executors)
        {
            executor.Dispose();
        }
    }

    private void Add(IVirtioDevice device) => _ = slots.Add(pin =>
    {
        var pci = new VirtioPci(device, memory, messages, pin);
        _functions.Add(pci.Function);
        return pci;
    });
}
