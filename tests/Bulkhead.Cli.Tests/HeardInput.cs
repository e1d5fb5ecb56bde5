using System.Text;

namespace Bulkhead.Cli.Tests;

/// <summary>A guest that remembers what it was told, a few bytes at first.</summary>
internal sealed class HeardInput(int expected, int atOnce = int.MaxValue) : IDisposable
{
    // Only a test that fails waits this long.
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly List<byte> _bytes = [];
    private readonly ManualResetEventSlim _complete = new();
    private readonly ManualResetEventSlim _refused = new();
    private int _room = atOnce;

    public void Dispose()
    {
        _complete.Dispose();
        _refused.Dispose();
    }

    internal int Take(ReadOnlySpan<byte> data)
    {
        lock (_lock)
        {
            int taken = Math.Min(data.Length, _room);
            _bytes.AddRange(data[..taken]);
            _room = _room == int.MaxValue ? _room : _room - taken;
            if (taken < data.Length)
            {
                _refused.Set();
            }

            if (_bytes.Count >= expected)
            {
                _complete.Set();
            }

            return taken;
        }
    }

    internal void AwaitRefusal() => _ = _refused.Wait(s_limit);

    internal void TakeAll()
    {
        lock (_lock)
        {
            _room = int.MaxValue;
        }
    }

    internal string Text()
    {
        _ = _complete.Wait(s_limit);
        lock (_lock)
        {
            return Encoding.UTF8.GetString([.. _bytes]);
        }
    }
}
