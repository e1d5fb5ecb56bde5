using System.Text;
using Bulkhead.Host.Terminal;

namespace Bulkhead.Host.Tests;

/// <summary>Remembers what a pump delivers, up to a capacity.</summary>
internal sealed class RecordingClient : ITerminalClient
{
    private readonly Lock _lock = new();
    private readonly List<byte> _bytes = [];
    private int _capacity;

    internal RecordingClient(int capacity) => _capacity = capacity;

    internal ManualResetEvent Closed { get; } = new(false);

    internal ManualResetEvent Full { get; } = new(false);

    internal ManualResetEvent Commanded { get; } = new(false);

    internal EscapeCommand LastCommand { get; private set; }

    internal string Text
    {
        get
        {
            lock (_lock)
            {
                return Encoding.UTF8.GetString([.. _bytes]);
            }
        }
    }

    public int Input(ReadOnlySpan<byte> bytes)
    {
        lock (_lock)
        {
            int taken = Math.Min(bytes.Length, _capacity - _bytes.Count);
            _bytes.AddRange(bytes[..taken]);
            if (taken < bytes.Length)
            {
                _ = Full.Set();
            }

            return taken;
        }
    }

    public void Command(EscapeCommand command)
    {
        LastCommand = command;
        _ = Commanded.Set();
    }

    public void InputClosed() => Closed.Set();

    public void Failed(Exception fault) => throw new InvalidOperationException("The input thread failed.", fault);

    internal void Grow()
    {
        lock (_lock)
        {
            _capacity = int.MaxValue;
        }
    }
}
