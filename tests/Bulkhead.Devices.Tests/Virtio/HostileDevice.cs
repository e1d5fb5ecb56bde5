using Bulkhead.Devices.Backends.Files;
using Bulkhead.Devices.Backends.Ports;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Tests.Virtio.Driver;
using Bulkhead.Devices.Virtio;
using Bulkhead.Devices.Virtio.Balloon;
using Bulkhead.Devices.Virtio.Block;
using Bulkhead.Devices.Virtio.Console;
using Bulkhead.Devices.Virtio.Entropy;
using Bulkhead.Devices.Virtio.Fs;
using Bulkhead.Host.Files;
using Bulkhead.Host.Threads;

namespace Bulkhead.Devices.Tests.Virtio;

/// <summary>A device by its name, with what stands behind it.</summary>
internal sealed class HostileDevice : IDisposable
{
    private readonly List<IDisposable> _owned = [];
    private readonly string _folder = Directory.CreateTempSubdirectory("hostile").FullName;

    public HostileDevice(string name, Func<IDeviceExecutor> newExecutor) => Device = name switch
    {
        "block" => new VirtioBlock(new MemoryDisk(16), "x", [newExecutor(), newExecutor()]),
        "rng" => new VirtioEntropy(static bytes => bytes.Fill(1), newExecutor()),
        "balloon" => new VirtioBalloon(newExecutor(), newExecutor(), newExecutor()),
        "fs" => new VirtioFs(Own(new SharedFolder(_folder, "tag", readOnly: false, guestBytes: 1, DescriptorBudget.OfProcess())), newExecutor(), newExecutor()),
        "console" => new VirtioConsole(Own(new HostPort(string.Empty, Path.Combine(_folder, "c"), 80, 24)), [], Own(new PollSet()), newExecutor()),
        _ => new EchoDevice(newExecutor(), newExecutor()),
    };

    public IVirtioDevice Device { get; }

    public void Dispose()
    {
        Device.Reset();
        _owned.ForEach(static o => o.Dispose());
        Directory.Delete(_folder, recursive: true);
    }

    private T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }
}
