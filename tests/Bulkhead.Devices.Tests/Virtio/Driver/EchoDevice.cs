using Bulkhead.Abi.Virtio;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Virtio;
using Bulkhead.Devices.Virtio.Queues;
using Xunit;

namespace Bulkhead.Devices.Tests.Virtio.Driver;

/// <summary>A device that copies what it may read to where it may write, with 16 bytes of configuration.</summary>
internal sealed class EchoDevice : IVirtioDevice
{
    /// <summary>A feature that needs the other.</summary>
    public const ulong Needy = 1;
    public const ulong Needed = 2;

    private readonly QueueLanes _lanes;

    public EchoDevice(params IDeviceExecutor[] executors)
    {
        _lanes = new QueueLanes(executors, Serve);
        QueueSizes = [.. executors.Select(static _ => (ushort)16)];
    }

    public VirtioType Type => VirtioType.Console;

    public ulong Features => Needy | Needed | VirtioFeatures.InOrder;

    public IReadOnlyList<ushort> QueueSizes { get; }

    public byte[] Config { get; } = new byte[16];

    public VirtioSession? Session { get; private set; }

    /// <summary>What is done before each buffer, on the executor.</summary>
    public Action? BeforeEach { get; set; }

    /// <summary>How many buffers were served.</summary>
    public int Served;

    public bool Negotiate(ulong features) => (features & Needy) == 0 || (features & Needed) != 0;

    public void ReadConfig(int offset, Span<byte> data)
    {
        data.Clear();
        if (offset < Config.Length)
        {
            Config.AsSpan(offset, Math.Min(data.Length, Config.Length - offset)).CopyTo(data);
        }
    }

    public void WriteConfig(int offset, ReadOnlySpan<byte> data)
    {
        if (offset + data.Length <= Config.Length)
        {
            data.CopyTo(Config.AsSpan(offset));
        }
    }

    public void Start(VirtioSession session)
    {
        Session = session;
        _lanes.Start(session);
    }

    public void Notify(int queue) => _lanes.Ring(queue);

    public void Stop(Action stopped) => _lanes.Stop(stopped);

    private long Serve(VirtioSession session, DescriptorChain chain)
    {
        BeforeEach?.Invoke();
        byte[] bytes = new byte[Math.Min(chain.ReadableBytes, chain.WritableBytes)];
        Assert.True(chain.TryRead(0, bytes));
        Assert.True(chain.TryWrite(0, bytes));
        Interlocked.Increment(ref Served);
        return bytes.Length;
    }
}
