using Bulkhead.Core.State;
using Bulkhead.Devices.Backends.Ports;
using Bulkhead.Devices.Virtio.Queues;

namespace Bulkhead.Devices.Virtio.Console;

/// <summary>A port of a console: its host's end, and how far the two sides are.</summary>
/// <remarks><i>Threading</i>: the device's executor.</remarks>
internal sealed class ConsolePort(int id, HostPort host, bool isConsole)
{
    private const int MostPieceBytes = 64 << 10;

    private Virtqueue? _transmit;
    private DescriptorChain? _held;
    private ulong _sent;

    /// <summary>Its number.</summary>
    internal int Id => id;

    /// <summary>The host's end.</summary>
    internal HostPort Host => host;

    /// <summary>Whether it is a console, as a terminal has one.</summary>
    internal bool IsConsole => isConsole;

    /// <summary>The guest's driver has it.</summary>
    internal bool IsReady { get; private set; }

    /// <summary>A process of the guest has it open.</summary>
    internal bool IsOpen { get; set; }

    /// <summary>What the guest is still to be told.</summary>
    internal ConsoleNews Owed { get; set; }

    /// <summary>Whether the guest was told that somebody of the host is there.</summary>
    internal bool ToldConnected { get; set; }

    /// <summary>Whether what the host sends can be given to the guest.</summary>
    internal bool TakesInput => isConsole || (IsReady && IsOpen);

    /// <summary>The driver is there: it is to learn of the port.</summary>
    internal void Begin() => (IsReady, IsOpen, ToldConnected, Owed) = (false, false, false, ConsoleNews.Added);

    /// <summary>The driver has the port: it is to learn what that is.</summary>
    internal void NoteReady()
    {
        IsReady = true;
        ToldConnected = false;
        Owed |= (isConsole ? ConsoleNews.IsConsole | (host.Columns != 0 ? ConsoleNews.Size : 0) : 0) | (host.Name.Length > 0 ? ConsoleNews.Name : 0);
    }

    /// <summary>The driver is gone.</summary>
    internal void Reset()
    {
        (IsReady, IsOpen, ToldConnected, Owed) = (false, false, false, ConsoleNews.None);
        (_transmit, _held, _sent) = (null, null, 0);
    }

    /// <summary>Work begins, or goes on: with a buffer half sent, where the queue is the same.</summary>
    internal void Start(Virtqueue? transmit)
    {
        _sent = _transmit is null || _transmit == transmit ? _sent : 0;
        _transmit = transmit;
    }

    /// <summary>Work ends for now: a buffer that is held goes back to where it was.</summary>
    internal void Stop()
    {
        if (_held is { } chain)
        {
            _transmit?.Untake(chain);
            _held = null;
        }
    }

    /// <summary>Sends what the guest wrote, <paramref name="most"/> pieces of buffers at most; true where there may be more that can be sent.</summary>
    /// <param name="queue">Where it is.</param>
    /// <param name="chain">To take buffers with; the port's own.</param>
    /// <param name="most">So many.</param>
    internal bool Transmit(Virtqueue queue, DescriptorChain chain, int most)
    {
        queue.Ignore();
        for (; most > 0; most--)
        {
            if (_held is null)
            {
                if (!queue.TryPop(chain) && !(queue.Await() && queue.TryPop(chain)))
                {
                    return false;
                }

                _held = chain;
            }

            if (_sent < chain.ReadableBytes)
            {
                ReadOnlySpan<byte> piece = chain.ReadablePiece(_sent, MostPieceBytes);
                int count = host.Write(piece);
                _sent += (ulong)count;
                if (count < piece.Length)
                {
                    return false; // there is news when the host has room
                }
            }

            if (_sent >= chain.ReadableBytes)
            {
                (_held, _sent) = (null, 0);
                queue.Push(chain, 0);
                queue.Publish();
            }
        }

        return true;
    }

    /// <summary>Gives the guest what the host sent; as <see cref="Transmit"/>.</summary>
    internal bool Receive(Virtqueue queue, DescriptorChain chain, int most)
    {
        for (; most > 0; most--)
        {
            if (!TakesInput || !host.MayRead || (!queue.TryPop(chain) && !(queue.Await() && queue.TryPop(chain))))
            {
                return false;
            }

            int count = chain.WritableBytes == 0 ? 0 : host.Read(chain.WritablePiece(0, MostPieceBytes));
            if (count == 0 && chain.WritableBytes > 0)
            {
                queue.Untake(chain);
                return false;
            }

            if (count > 0)
            {
                chain.NoteWritten(0, count);
            }

            queue.Push(chain, (uint)count);
            queue.Publish();
        }

        return true;
    }

    internal void Save(StateWriter writer)
    {
        writer.Write(IsReady);
        writer.Write(IsOpen);
        writer.Write((byte)Owed);
        writer.Write(ToldConnected);
        writer.Write(_sent);
    }

    internal void Restore(StateReader reader)
    {
        (IsReady, IsOpen, Owed, ToldConnected) = (reader.ReadBoolean(), reader.ReadBoolean(), (ConsoleNews)reader.ReadByte(), reader.ReadBoolean());
        (_transmit, _held, _sent) = (null, null, reader.ReadUInt64());
    }
}
