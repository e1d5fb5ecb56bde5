using System.Runtime.InteropServices;
using Bulkhead.Host.Threads;

namespace Bulkhead.Devices.Backends.Ports;

/// <summary>Those of this process who look on at a console and type there. The guest waits for none of them.</summary>
/// <remarks><i>Threading</i>: <see cref="Type"/> and <see cref="Resize"/> from any thread, also after the end; the rest on the device's executor.
/// <i>Ownership</i>: the port disposes it.</remarks>
/// <param name="output">Takes what the guest writes, and keeps nothing of the span.</param>
public sealed class PortViewers(Action<ReadOnlySpan<byte>> output) : IDisposable
{
    private const int MostTypedBytes = 4096;

    private readonly Lock _lock = new();
    private readonly PollSignal _signal = new();
    private readonly byte[] _typed = new byte[MostTypedBytes];
    private int _count;
    private (ushort Columns, ushort Rows)? _size;
    private bool _over;

    /// <summary>To wait at.</summary>
    internal SafeHandle Handle => _signal.Handle;

    /// <summary>Whether there are bytes for the guest.</summary>
    internal bool HasTyped => Volatile.Read(ref _count) > 0;

    /// <summary>Types; how many bytes were taken.</summary>
    public int Type(ReadOnlySpan<byte> data)
    {
        lock (_lock)
        {
            if (_over)
            {
                return 0;
            }

            int count = Math.Min(data.Length, MostTypedBytes - _count);
            data[..count].CopyTo(_typed.AsSpan(_count));
            Volatile.Write(ref _count, _count + count);
            _signal.Raise();
            return count;
        }
    }

    /// <summary>Says how large the console is from now on.</summary>
    public void Resize(ushort columns, ushort rows)
    {
        lock (_lock)
        {
            if (!_over)
            {
                _size = (columns, rows);
                _signal.Raise();
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _over = true;
            _signal.Dispose();
        }
    }

    /// <summary>The guest wrote this.</summary>
    internal void Show(ReadOnlySpan<byte> data) => output(data);

    /// <summary>Reads what was typed: how many bytes, 0 for none.</summary>
    internal int Read(Span<byte> data)
    {
        lock (_lock)
        {
            int count = Math.Min(data.Length, _count);
            _typed.AsSpan(0, count).CopyTo(data);
            _typed.AsSpan(count, _count - count).CopyTo(_typed);
            Volatile.Write(ref _count, _count - count);
            return count;
        }
    }

    /// <summary>The new size; null where nobody said one since the last time.</summary>
    internal (ushort Columns, ushort Rows)? TakeSize()
    {
        lock (_lock)
        {
            (ushort, ushort)? size = _size;
            _size = null;
            return size;
        }
    }
}
