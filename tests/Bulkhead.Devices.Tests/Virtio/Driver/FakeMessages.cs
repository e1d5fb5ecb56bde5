using Bulkhead.Core.Interrupts;

namespace Bulkhead.Devices.Tests.Virtio.Driver;

/// <summary>Keeps the interrupt messages that were sent.</summary>
internal sealed class FakeMessages : IInterruptMessages
{
    private readonly Lock _lock = new();
    private readonly List<(ulong Address, uint Data)> _sent = [];

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _sent.Count;
            }
        }
    }

    public void Send(ulong address, uint data)
    {
        lock (_lock)
        {
            _sent.Add((address, data));
        }
    }

    /// <summary>The data of everything sent since the last call.</summary>
    public uint[] Take()
    {
        lock (_lock)
        {
            uint[] data = [.. _sent.Select(static m => m.Data)];
            _sent.Clear();
            return data;
        }
    }
}
