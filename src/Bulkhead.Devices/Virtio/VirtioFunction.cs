using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;
using Bulkhead.Core.State;
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

    private const string NoQueue = "not in RAM, or not aligned, or of a size it cannot have";

    private readonly IVirtioDevice _device;
    private readonly GuestMemory _memory;
    private readonly IVirtioInterrupts _interrupts;
    private readonly QueueRegisters[] _queues;
    private readonly ulong _offered;

    /// <summary>How many requests failed.</summary>
    internal long Errors;

    private VirtioStatus _status;
    private ulong _driverFeatures;
    private Virtqueue?[]? _work; // from the driver's being ready to the next reset
    private VirtioSession? _session;
    private Action? _whenStopped;
    private bool _running;
    private bool _stopping;
    private bool _resetting;
    private bool _held;
    private bool _barred; // from memory
    private bool _resetsDevice;
    private bool _configChanged;
    private byte _generation;
    private ushort _configVector = PciCommonConfig.NoVector;

    internal VirtioFunction(IVirtioDevice device, GuestMemory memory, IVirtioInterrupts interrupts)
    {
        (_device, _memory, _interrupts) = (device, memory, interrupts);
        _offered = device.Features | VirtioFeatures.Version1 | VirtioFeatures.IndirectDescriptors | VirtioFeatures.EventIndex | VirtioFeatures.PackedRing
            | VirtioFeatures.RingReset;
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

    /// <summary>Another one after the driver has read what changed since it last read. Under the lock.</summary>
    internal byte Generation => _generation;

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
            if (value == VirtioStatus.None)
            {
                _resetting = true;
                Stop(Clear, forGood: true); // until it has stopped the status reads as it was, which is how the driver knows
                return;
            }

            if (_resetting)
            {
                return;
            }

            // Bits are only added; the device has the last word about features.
            VirtioStatus added = value & OfDriver & ~_status;
            if ((added & VirtioStatus.FeaturesOk) != 0
                && ((_driverFeatures & ~_offered) != 0 || (_driverFeatures & VirtioFeatures.Version1) == 0 || !_device.Negotiate(_driverFeatures)))
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
    internal static bool MayConfigure(QueueRegisters queue) => !queue.Enabled;

    /// <summary>Turns a queue on. Under the lock.</summary>
    internal void EnableQueue(QueueRegisters queue)
    {
        queue.Enabled = true;
        if (_work is not null)
        {
            Stop(() => Open(queue), forGood: false);
        }
    }

    /// <summary>Takes a queue out of work: when that is done it is as after a reset of the device. Under the lock.</summary>
    internal void ResetQueue(QueueRegisters queue)
    {
        if (queue.Enabled && !queue.Resetting)
        {
            queue.Resetting = true;
            Stop(
                () =>
                {
                    queue.Clear();
                    Open(queue);
                },
                forGood: false);
        }
    }

    /// <summary>The driver made buffers available. Under the lock.</summary>
    internal void Notify(int queue)
    {
        if (_running && !_stopping && (_status & VirtioStatus.DeviceNeedsReset) == 0 && queue < _queues.Length && _queues[queue].Enabled)
        {
            _device.Notify(queue);
        }
    }

    /// <summary>Reads the device's configuration. Under the lock.</summary>
    internal void ReadConfig(int offset, Span<byte> data)
    {
        if (_configChanged)
        {
            _configChanged = false;
            _generation++;
        }

        _device.ReadConfig(offset, data);
    }

    /// <summary>Writes the device's configuration. Under the lock.</summary>
    internal void WriteConfig(int offset, ReadOnlySpan<byte> data)
    {
        _configChanged = true;
        _device.WriteConfig(offset, data);
    }

    internal void RaiseQueue(int queue) => _interrupts.RaiseQueue(Volatile.Read(ref _queues[queue].Vector));

    /// <summary>The device's configuration is another now.</summary>
    internal void ChangeConfig(VirtioSession session)
    {
        lock (Lock)
        {
            if (session == _session)
            {
                _configChanged = true;
                _interrupts.RaiseConfig(_configVector);
            }
        }
    }

    /// <summary>The device cannot go on with what it was started with.</summary>
    internal void Fail(VirtioSession session, string why)
    {
        lock (Lock)
        {
            if (session == _session)
            {
                Fail(why);
            }
        }
    }

    /// <summary>Ends the device's work and waits for that: the domain is reset or over.</summary>
    internal void Shutdown() => StopAndWait(() => _work = null, forGood: true);

    /// <summary>Holds the device's work and waits until it stands still. No vCPU runs until <see cref="Resume"/>.</summary>
    internal void Pause() => StopAndWait(() => _held = true, forGood: false);

    /// <summary>Whether the device may reach memory. Where it may not its work stands still; what was notified meanwhile is looked at when
    /// it may again. Under the lock.</summary>
    internal void AllowMemory(bool allowed)
    {
        if (_barred == allowed)
        {
            _barred = !allowed;
            if (allowed)
            {
                Run();
            }
            else
            {
                Stop(static () => { }, forGood: false);
            }
        }
    }

    /// <summary>The work goes on where it was held.</summary>
    internal void Resume()
    {
        lock (Lock)
        {
            _held = false;
            Run();
        }
    }

    /// <summary>Writes all of it, the device's own included. While it is held.</summary>
    internal void Save(StateWriter writer)
    {
        lock (Lock)
        {
            writer.Begin("virtio", 1);
            writer.Write((ushort)_device.Type);
            writer.Write((byte)_status);
            writer.Write(_driverFeatures);
            writer.Write(_generation);
            writer.Write(_configChanged);
            writer.Write(_configVector);
            writer.Write(_work is not null);
            writer.Write((ushort)_queues.Length);
            for (int i = 0; i < _queues.Length; i++)
            {
                _queues[i].Save(writer);
                _work?[i]?.Save(writer);
            }

            _device.Save(writer);
            writer.End();
        }
    }

    /// <summary>Reads that again, into a device that was not started; then <see cref="Resume"/>.</summary>
    internal void Restore(StateReader reader)
    {
        lock (Lock)
        {
            _ = reader.Begin("virtio", 1);
            reader.Require(reader.ReadUInt16() == (ushort)_device.Type, "a device of another type");
            _status = (VirtioStatus)reader.ReadByte();
            _driverFeatures = reader.ReadUInt64();
            _generation = reader.ReadByte();
            _configChanged = reader.ReadBoolean();
            _configVector = reader.ReadUInt16();
            bool started = reader.ReadBoolean();
            reader.Require((_driverFeatures & ~_offered) == 0 || (_status & VirtioStatus.FeaturesOk) == 0, "features the device does not have");
            reader.Require(!started || (_status & VirtioStatus.DriverOk) != 0, "a device that works before its driver does");
            reader.Require(reader.ReadUInt16() == _queues.Length, "another number of queues");
            var queues = new Virtqueue?[_queues.Length];
            for (int i = 0; i < queues.Length; i++)
            {
                _queues[i].Restore(reader);
                if (started && _queues[i].Enabled)
                {
                    queues[i] = Virtqueue.Create(_memory, _queues[i].Setup, _driverFeatures);
                    reader.Require(queues[i] is not null, NoQueue);
                    queues[i]?.Restore(reader);
                }
            }

            _ = (_status & VirtioStatus.FeaturesOk) != 0 && _device.Negotiate(_driverFeatures);
            _device.Restore(reader);
            reader.EndSection();
            _work = started && reader.Error is null ? queues : null;
            _held = true;
        }
    }

    private void Start()
    {
        _work = new Virtqueue?[_queues.Length];
        foreach (QueueRegisters queue in _queues)
        {
            Open(queue);
        }

        Run();
    }

    /// <summary>Takes a queue into work, or out of it, as its registers say.</summary>
    private void Open(QueueRegisters queue)
    {
        int index = Array.IndexOf(_queues, queue);
        if (_work is not null)
        {
            _work[index] = queue.Enabled ? Virtqueue.Create(_memory, queue.Setup, _driverFeatures) : null;
            if (queue.Enabled && _work[index] is null)
            {
                Fail($"queue {index} is {NoQueue}");
            }
        }
    }

    /// <summary>The device works, if there is work and nothing holds it.</summary>
    private void Run()
    {
        if (_work is not null && !_running && !_held && !_barred && (_status & VirtioStatus.DeviceNeedsReset) == 0)
        {
            _running = true;
            _session = new VirtioSession(this, _memory, _driverFeatures, [.. _work]);
            _device.Start(_session);
        }
    }

    private void Fail(string why)
    {
        if ((_status & VirtioStatus.DeviceNeedsReset) == 0)
        {
            LastError = why;
            _status |= VirtioStatus.DeviceNeedsReset;
            _interrupts.RaiseConfig(_configVector);
        }
    }

    /// <summary>Stops the device, unless it is about to; then, under the lock, does what is asked, and goes on with what there is then.</summary>
    /// <param name="stopped">What is asked.</param>
    /// <param name="forGood">Whether the driver is gone.</param>
    private void Stop(Action stopped, bool forGood)
    {
        _whenStopped += stopped;
        _resetsDevice |= forGood;
        if (!_running)
        {
            OnStopped();
            return;
        }

        _session?.End(forGood);
        if (!_stopping)
        {
            _stopping = true;
            _device.Stop(OnStopped);
        }
    }

    private void StopAndWait(Action stopped, bool forGood)
    {
        using var done = new ManualResetEventSlim();
        lock (Lock)
        {
            Stop(stopped + done.Set, forGood);
        }

        done.Wait();
    }

    // The device's reset may take long while vCPUs wait for the lock. During it the device counts as stopping, and so is not called.
    private void OnStopped()
    {
        while (true)
        {
            lock (Lock)
            {
                if (!_resetsDevice)
                {
                    (_running, _stopping) = (false, false);
                    (Action? then, _whenStopped) = (_whenStopped, null);
                    then?.Invoke();
                    Run();
                    return;
                }

                _resetsDevice = false;
            }

            _device.Reset();
        }
    }

    private void Clear()
    {
        _work = null;
        _session = null;
        _resetting = false;
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
