using System.IO.Pipes;
using System.Runtime.InteropServices;
using Bulkhead.Devices.Backends.Net;

namespace Bulkhead.Devices.Tests.Virtio.Driver;

/// <summary>A network whose frames and room the test gives.</summary>
internal sealed class ScriptedNet : INetBackend
{
    private readonly AnonymousPipeServerStream _pipe = new();
    private readonly Lock _lock = new();
    private readonly Queue<byte[]> _incoming = [];
    private byte[] _frame = [];

    public SafeHandle Handle => _pipe.SafePipeHandle;

    public ushort Mtu => 1500;

    public bool IsBlocked => !HasRoom;

    /// <summary>Whether frames can be sent.</summary>
    public bool HasRoom { get; set; } = true;

    public List<byte[]> Sent { get; } = [];

    public void Arrive(byte[] frame)
    {
        lock (_lock)
        {
            _incoming.Enqueue(frame);
        }
    }

    public Span<byte> BeginFrame(int length) => HasRoom ? _frame = new byte[length] : [];

    public void CommitFrame() => Sent.Add(_frame);

    public bool Send() => true;

    public ReadOnlySpan<byte> PeekFrame()
    {
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

    public void Dispose() => _pipe.Dispose();
}
