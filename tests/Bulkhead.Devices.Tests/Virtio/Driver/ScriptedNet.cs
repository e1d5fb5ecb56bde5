using Bulkhead.Devices.Backends.Net;
using Bulkhead.Devices.Executors;

namespace Bulkhead.Devices.Tests.Virtio.Driver;

/// <summary>A network whose frames and room the test gives.</summary>
internal sealed class ScriptedNet : INetBackend
{
    private readonly Lock _lock = new();
    private readonly Queue<byte[]> _incoming = [];
    private byte[] _frame = [];

    public ushort Mtu => 1500;

    public ulong Offloads => 0;

    /// <summary>Whether frames can be sent.</summary>
    public bool HasRoom { get; set; } = true;

    public List<byte[]> Sent { get; } = [];

    public bool IsEmpty
    {
        get
        {
            lock (_lock)
            {
                return _incoming.Count == 0;
            }
        }
    }

    public void Arrive(byte[] frame)
    {
        lock (_lock)
        {
            _incoming.Enqueue(frame);
        }
    }

    public IDeviceExecutor CreateExecutor(string name) => new ThreadExecutor(name);

    public void Open(ulong features)
    {
    }

    public void Close()
    {
    }

    public Span<byte> BeginFrame(in FrameHeader header, int length) => HasRoom ? _frame = new byte[length] : [];

    public void CommitFrame() => Sent.Add(_frame);

    public bool Send() => true;

    public ReadOnlySpan<byte> PeekFrame(out FrameHeader header)
    {
        header = default;
        lock (_lock)
        {
            return _incoming.TryPeek(out byte[]? frame) ? frame : [];
        }
    }

    public void DropFrame()
    {
        lock (_lock)
        {
            _incoming.Dequeue();
        }
    }

    public void Await(bool frames)
    {
    }

    public void Dispose()
    {
    }
}
