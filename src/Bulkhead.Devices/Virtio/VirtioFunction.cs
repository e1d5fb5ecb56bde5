using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;
using Bulkhead.Devices.Virtio.Queues;

namespace Bulkhead.Devices.Virtio;

/// <summary>What every transport has: the device status, features, queues; which registers show it is the transport's matter.</summary>
/// <remarks>
/// <para><i>Threading</i>: any; <see cref="Lock"/> comes before the device's own locks and those of interrupts.</para>
/// <para><i>Source</i>: VIRTIO 1.2, 2 Basic Facilities of a Virtio Device; 3 General Initialization And Device Operation.</para>
/// </remarks>
internal sealed class VirtioFunction
{
    private const VirtioStatus OfDriver = VirtioStatus.Acknowledge | VirtioStatus.Driver | VirtioStatus.DriverOk | VirtioStatus.FeaturesOk | VirtioStatus.Failed;

    private readonly IVirtioDevice _device;
    private readonly GuestMemory _memory;
    private readonly IVirtioInterrupts _interrupts;
    private readonly QueueRegisters[] _queues;
    private readonly ulong _offered;

    /// <summary>How many requests failed.</summary>
    internal long Errors;

    private VirtioStatus _status;
    private ulong _driverFeatures;
    private bool _stopping;
    private int _generation;
    private ushort _configVector = PciCommonConfig.NoVector;

    internal VirtioFunction(IVirtioDevice device, GuestMemory memory, IVirtioInterrupts interrupts)
    {
        (_device, _memory, _interrupts) = (device, memory, interrupts);
        _offered = device.Features | VirtioFeatures.Version1 | VirtioFeatures.IndirectDescriptors | VirtioFeatures.EventIndex | VirtioFeatures.PackedRing;
        _queues = [.. device.QueueSizes.Select(static size => new QueueRegisters(size))];
    }

    /// <summary>Guards all of it.</summary>
    internal Lock Lock { get; } = new();

    /// <summary>What the device offers.</summary>
    internal ulong DeviceFeatures => _offered;

    /// <summary>What went wrong last, for whoever looks into it.</summary>
    internal string? LastError { get; private set; }

    /// <summary>What the driver wants of it.</summary>
    internal ulong DriverFeatures
    {
        get => _driverFeatures;
        set
        {
            if ((_status & VirtioStatus.FeaturesOk) == 0)
            {
                _driverFeatures = value;
            }
        }
    }

    /// <summary>Changes with the configuration.</summary>
    internal byte Generation => (byte)Volatile.Read(ref _generation);

    /// <summary>The vector of configuration changes.</summary>
    internal ref ushort ConfigVector => ref _configVector;

    /// <summary>How many queues there are.</summary>
    internal int QueueCount => _queues.Length;

    /// <summary>The device status. Under the lock.</summary>
    internal VirtioStatus Status
    {
        get => _status;
        set
        {
            if (_stopping)
            {
                return;
            }

            if (value == VirtioStatus.None)
            {
                Reset();
                return;
            }

            // Bits are only added; the device has the last word about features.
            VirtioStatus added = value & OfDriver & ~_status;
            if ((added & VirtioStatus.FeaturesOk) != 0 && ((_driverFeatures & ~_offered) != 0 || (_driverFeatures & VirtioFeatures.Version1) == 0))
            {
                added &= ~VirtioStatus.FeaturesOk;
            }

            bool starts = (added & VirtioStatus.DriverOk) != 0 && ((_status | added) & VirtioStatus.FeaturesOk) != 0;
            _status |= starts ? added : added & ~VirtioStatus.DriverOk;
            if (starts)
            {
                Start();
            }
        }
    }

    /// <summary>A queue's registers, or null where there is no such queue. Under the lock.</summary>
    internal QueueRegisters? Queue(int index) => index < _queues.Length ? _queues[index] : null;

    /// <summary>Whether a queue's registers may be written: they stay once it is on.</summary>
    internal bool MayConfigure(QueueRegisters queue) => !_stopping && !queue.Enabled;

    /// <summary>The driver made buffers available. Under the lock.</summary>
    internal void Notify(int queue)
    {
        if ((_status & VirtioStatus.DriverOk) != 0 && !_stopping && queue < _queues.Length && _queues[queue].Enabled)
        {
            _device.Notify(queue);
        }
    }

    internal void ReadConfig(int offset, Span<byte> data) => _device.ReadConfig(offset, data);

    internal void WriteConfig(int offset, ReadOnlySpan<byte> data) => _device.WriteConfig(offset, data);

    internal void RaiseQueue(int queue) => _interrupts.RaiseQueue(Volatile.Read(ref _queues[queue].Vector));

    internal void RaiseConfig()
    {
        Interlocked.Increment(ref _generation);
        _interrupts.RaiseConfig(Volatile.Read(ref _configVector));
    }

    internal void Fail(string why)
    {
        lock (Lock)
        {
            LastError = why;
            bool tell = (_status & VirtioStatus.DriverOk) != 0;
            _status |= VirtioStatus.DeviceNeedsReset;
            if (tell)
            {
                RaiseConfig();
            }
        }
    }

    /// <summary>Ends the device's work and waits for that: the domain is reset or over.</summary>
    internal void Shutdown()
    {
        using var done = new ManualResetEventSlim();
        _device.Stop(done.Set);
        done.Wait();
    }

    private void Start()
    {
        var queues = new Virtqueue?[_queues.Length];
        for (int i = 0; i < queues.Length; i++)
        {
            if (_queues[i].Enabled && (queues[i] = Virtqueue.Create(_memory, _queues[i].Setup, _driverFeatures)) is null)
            {
                Fail($"queue {i} is not in RAM, or not aligned");
                return;
            }
        }

        _device.Start(new VirtioSession(this, _memory, _driverFeatures, queues));
    }

    private void Reset()
    {
        if ((_status & VirtioStatus.DriverOk) == 0)
        {
            Clear();
            return;
        }

        // The status reads as it was until the device has stopped, which is how the driver knows.
        _stopping = true;
        _device.Stop(() =>
        {
            lock (Lock)
            {
                _stopping = false;
                Clear();
            }
        });
    }

    private void Clear()
    {
        _status = VirtioStatus.None;
        _driverFeatures = 0;
        _configVector = PciCommonConfig.NoVector;
        foreach (QueueRegisters queue in _queues)
        {
            queue.Clear();
        }

        _interrupts.Clear();
    }
}
