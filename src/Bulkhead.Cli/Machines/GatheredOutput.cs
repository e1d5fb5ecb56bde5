using Bulkhead.Host.Threads;

namespace Bulkhead.Cli.Machines;

/// <summary>Hands bytes to a stream from a thread of its own, so that a vCPU that prints a byte at a time pays for no system
/// call.</summary>
/// <remarks>
/// <para>The first byte after a silence goes out at once, what follows at most <see cref="Pause"/> later. A guest that prints
/// faster than the stream takes it waits, as at a slow line; nothing is lost before <see cref="Dispose"/>, which returns
/// when all is written or the stream has taken nothing for <see cref="Patience"/>.</para>
/// <para><i>Threading</i>: any thread writes; the creator disposes it once nobody writes.</para>
/// </remarks>
internal sealed class GatheredOutput : IDisposable
{
    private const int RoomBytes = 64 << 10;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly object _gate = new();
    private readonly Stream _stream;
    private readonly Thread _thread;
    private byte[] _gathered = new byte[RoomBytes];
    private byte[] _leaving = new byte[RoomBytes];
    private int _count;
    private long _rounds;
    private bool _idle;
    private bool _closing;

    /// <summary>Starts a writer to a stream, which stays its owner's.</summary>
    internal GatheredOutput(Stream stream)
    {
        _stream = stream;
        _thread = HostThread.Start(new Thread(Loop, 256 << 10) { IsBackground = true, Name = "serial output" });
    }

    /// <summary>Takes bytes; waits while there is no room for them.</summary>
    internal void Write(ReadOnlySpan<byte> data)
    {
        lock (_gate)
        {
            while (!data.IsEmpty && !_closing)
            {
                int part = Math.Min(data.Length, RoomBytes - _count);
                if (part == 0)
                {
                    _ = Monitor.Wait(_gate);
                    continue;
                }

                data[..part].CopyTo(_gathered.AsSpan(_count));
                _count += part;
                data = data[part..];
                if (_idle)
                {
                    _idle = false;
                    Monitor.PulseAll(_gate);
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _closing = true;
            Monitor.PulseAll(_gate);
        }

        long rounds;
        do
        {
            rounds = Volatile.Read(ref _rounds);
        }
        while (!_thread.Join(Patience) && rounds != Volatile.Read(ref _rounds));
    }

    private void Loop()
    {
        while (TryTake(out int count))
        {
            try
            {
                _stream.Write(_leaving.AsSpan(0, count));
            }
            catch (IOException)
            {
                // The disk is full, or the reader of a pipe went away; the guest does not care.
            }

            Volatile.Write(ref _rounds, _rounds + 1);
        }
    }

    /// <summary>Takes what was gathered; false at the end.</summary>
    private bool TryTake(out int count)
    {
        lock (_gate)
        {
            // The pause: whatever is printed now goes with the next write. It ends early at the end.
            if (_rounds != 0 && !_closing)
            {
                _ = Monitor.Wait(_gate, Pause);
            }

            while (_count == 0 && !_closing)
            {
                _idle = true;
                _ = Monitor.Wait(_gate);
            }

            _idle = false;
            count = _count;
            (_gathered, _leaving) = (_leaving, _gathered);
            _count = 0;
            Monitor.PulseAll(_gate);
            return count > 0;
        }
    }
}
