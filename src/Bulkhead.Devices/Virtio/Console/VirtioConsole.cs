using System.Buffers.Binary;
using Bulkhead.Abi.Virtio;
using Bulkhead.Core.State;
using Bulkhead.Devices.Backends.Ports;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Virtio.Queues;
using Bulkhead.Host.Threads;

namespace Bulkhead.Devices.Virtio.Console;

/// <summary>A console and ports with names, each a stream of bytes to a process of the host.</summary>
/// <remarks>
/// <para>Nothing is lost while somebody of the host is there: each side waits for the other. While nobody is, what the guest writes is dropped.</para>
/// <para>Port 0 is the console; where there is none, port 0 is not there. A driver that knows one port only has the console.</para>
/// <para><i>Threading</i>: bytes are carried on the executor; everything else under the transport's lock. <i>Cost</i>: nothing is allocated for them.
/// <i>Source</i>: VIRTIO 1.2, 5.3 Console Device.</para>
/// </remarks>
internal sealed class VirtioConsole : IVirtioDevice
{
    /// <summary>The most ports with names.</summary>
    internal const int MostNamed = 30;

    private const int ControlReceive = 2;
    private const int ControlTransmit = 3;
    private const ushort QueueSize = 128;
    private const int MostTurns = 64; // of each port, before the others have their turn
    private const int MostMessageBytes = ConsoleMessage.Bytes + 255;

    private readonly ConsolePort[] _ports;
    private readonly HostPort? _console;
    private readonly PollSet _set;
    private readonly IDeviceExecutor _executor;
    private readonly PollReady[] _news = new PollReady[64];
    private readonly byte[] _message = new byte[MostMessageBytes];
    private DescriptorChain[] _transmitChains = [];
    private DescriptorChain? _chain;
    private VirtioSession? _session;
    private Action? _stopped;
    private volatile bool _starts;

    /// <summary>A console, or none, and ports with names; the caller keeps them longer.</summary>
    /// <param name="console">The console's end.</param>
    /// <param name="named">The others', <see cref="MostNamed"/> at most.</param>
    /// <param name="set">Where they are watched; the caller's to dispose, after the executor.</param>
    /// <param name="executor">Where it works: it is rung for what the set has.</param>
    internal VirtioConsole(HostPort? console, IReadOnlyList<HostPort> named, PollSet set, IDeviceExecutor executor)
    {
        (_console, _set, _executor) = (console, set, executor);
        ConsolePort[] first = console is null ? [] : [new ConsolePort(0, console, isConsole: true)];
        _ports = [.. first, .. named.Select(static (host, i) => new ConsolePort(i + 1, host, isConsole: false))];
        PortCount = named.Count + 1;
        QueueSizes = [.. Enumerable.Repeat(QueueSize, 2 * (PortCount + 1))];
        Features = ConsoleFeatures.MultiplePorts | VirtioFeatures.InOrder | (console is null ? 0 : ConsoleFeatures.Size);
        foreach (ConsolePort port in _ports)
        {
            port.Host.Watch(set, KeyOf(port));
        }

        executor.Start(Work, e => Volatile.Read(ref _session)?.Fail(e.ToString()));
    }

    /// <inheritdoc/>
    public VirtioType Type => VirtioType.Console;

    /// <inheritdoc/>
    public ulong Features { get; }

    /// <inheritdoc/>
    public IReadOnlyList<ushort> QueueSizes { get; }

    private int PortCount { get; }

    /// <inheritdoc/>
    public void ReadConfig(int offset, Span<byte> data)
    {
        Span<byte> config = stackalloc byte[ConsoleConfig.Size];
        config.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(config, _console?.Columns ?? 0);
        BinaryPrimitives.WriteUInt16LittleEndian(config[ConsoleConfig.Rows..], _console?.Rows ?? 0);
        BinaryPrimitives.WriteInt32LittleEndian(config[ConsoleConfig.Ports..], PortCount);
        DeviceConfig.Read(config, offset, data);
    }

    /// <inheritdoc/>
    public void WriteConfig(int offset, ReadOnlySpan<byte> data)
    {
    }

    /// <inheritdoc/>
    public void Start(VirtioSession session)
    {
        _starts = true;
        Volatile.Write(ref _session, session);
        _executor.Ring();
    }

    /// <inheritdoc/>
    public void Notify(int queue) => _executor.Ring();

    /// <inheritdoc/>
    public void Stop(Action stopped)
    {
        Volatile.Write(ref _stopped, stopped);
        _executor.Ring();
    }

    /// <inheritdoc/>
    public void Reset()
    {
        foreach (ConsolePort port in _ports)
        {
            port.Reset();
        }
    }

    /// <inheritdoc/>
    public void Save(StateWriter writer)
    {
        writer.Begin("console", 1);
        writer.Write((ushort)_ports.Length);
        foreach (ConsolePort port in _ports)
        {
            port.Save(writer);
        }

        writer.End();
    }

    /// <inheritdoc/>
    public void Restore(StateReader reader)
    {
        _ = reader.Begin("console", 1);
        reader.Require(reader.ReadUInt16() == _ports.Length, "another number of ports");
        foreach (ConsolePort port in _ports)
        {
            port.Restore(reader);
        }

        reader.EndSection();
    }

    private static ulong KeyOf(ConsolePort port) => 4 * (ulong)port.Id;

    // The queues of port 0 come before those of control, those of the others behind.
    private static int ReceiveQueueOf(ConsolePort port) => port.Id == 0 ? 0 : 2 * (port.Id + 1);

    private static int TransmitQueueOf(ConsolePort port) => ReceiveQueueOf(port) + 1;

    private void Work()
    {
        VirtioSession? session = Volatile.Read(ref _session);
        if (Interlocked.Exchange(ref _stopped, null) is { } stopped)
        {
            foreach (ConsolePort port in _ports)
            {
                port.Stop();
            }

            _session = null;
            stopped();
            return;
        }

        TakeNews(session);
        if (session is null)
        {
            return;
        }

        if (_starts)
        {
            _starts = false;
            _chain = new DescriptorChain(session.Memory);
            _transmitChains = [.. _ports.Select(_ => new DescriptorChain(session.Memory))];
            foreach (ConsolePort port in _ports)
            {
                port.Start(session.Queues[TransmitQueueOf(port)]);
            }
        }

        bool several = session.Has(ConsoleFeatures.MultiplePorts);
        bool more = several && session.Queues[ControlTransmit] is { } heard && Hear(heard, _chain!); // of the same Start as the session
        for (int i = 0; i < _ports.Length; i++)
        {
            ConsolePort port = _ports[i];
            if (!port.TakesInput)
            {
                port.Host.DropWhoWent();
            }

            if (port.Host.IsConnected || !port.ToldConnected)
            {
                port.Host.Accept(_set, KeyOf(port)); // else the guest is first told that the last one went
            }

            if (several ? port.IsReady : port.IsConsole)
            {
                more |= session.Queues[TransmitQueueOf(port)] is { } transmit && port.Transmit(transmit, _transmitChains[i], MostTurns);
                more |= session.Queues[ReceiveQueueOf(port)] is { } receive && port.Receive(receive, _chain!, MostTurns);
            }
        }

        more |= several && session.Queues[ControlReceive] is { } told && Tell(told, _chain!);
        if (more && !session.IsEnding && Volatile.Read(ref _stopped) is null)
        {
            _executor.Ring();
        }

        for (int queue = 0; queue < QueueSizes.Count; queue++)
        {
            session.Used(queue);
            if (session.Queues[queue]?.Error is { } error)
            {
                session.Fail($"queue {queue}: {error}");
            }
        }
    }

    private void TakeNews(VirtioSession? session)
    {
        for (int count = _news.Length; count == _news.Length;)
        {
            count = _set.Take(_news);
            for (int i = 0; i < count; i++)
            {
                foreach (ConsolePort port in _ports)
                {
                    if (_news[i].Key == KeyOf(port))
                    {
                        port.Host.NoteCaller();
                    }
                    else if (_news[i].Key == KeyOf(port) + 1)
                    {
                        port.Host.NoteClient(_news[i].Events);
                    }
                    else if (_news[i].Key == KeyOf(port) + 2 && port.Host.NoteViewers())
                    {
                        port.Owed |= port.IsReady ? ConsoleNews.Size : ConsoleNews.None;
                        session?.ConfigChanged();
                    }
                }
            }
        }
    }

    /// <summary>Does what the guest says of ports; true where it may have said more.</summary>
    private bool Hear(Virtqueue queue, DescriptorChain chain)
    {
        queue.Ignore();
        Span<byte> message = stackalloc byte[ConsoleMessage.Bytes];
        for (int left = MostTurns; left > 0; left--)
        {
            if (!queue.TryPop(chain) && !(queue.Await() && queue.TryPop(chain)))
            {
                return false;
            }

            if (!chain.TryRead(0, message))
            {
                queue.Refuse($"a message of {chain.ReadableBytes} bytes");
                return false;
            }

            Act(
                BinaryPrimitives.ReadUInt32LittleEndian(message),
                (ConsoleEvent)BinaryPrimitives.ReadUInt16LittleEndian(message[ConsoleMessage.Event..]),
                BinaryPrimitives.ReadUInt16LittleEndian(message[ConsoleMessage.Value..]) != 0);
            queue.Push(chain, 0);
            queue.Publish();
        }

        return true;
    }

    // A port there is not is none of ours; what a driver must not say means nothing.
    private void Act(uint id, ConsoleEvent what, bool value)
    {
        foreach (ConsolePort port in _ports)
        {
            if (what == ConsoleEvent.DeviceReady && value)
            {
                port.Begin();
            }
            else if (port.Id == id && what == ConsoleEvent.PortReady && value)
            {
                port.NoteReady();
            }
            else if (port.Id == id && what == ConsoleEvent.PortOpen)
            {
                port.IsOpen = value;
            }
        }
    }

    /// <summary>Tells the guest what it is to know of ports, as far as it has buffers for that; true where it was told something.</summary>
    private bool Tell(Virtqueue queue, DescriptorChain chain)
    {
        bool any = false;
        foreach (ConsolePort port in _ports)
        {
            while (NextMessage(port, out ConsoleNews told) is { IsEmpty: false } message)
            {
                if (!queue.TryPop(chain) && !(queue.Await() && queue.TryPop(chain)))
                {
                    return any;
                }

                if (!chain.TryWrite(0, message))
                {
                    queue.Refuse($"a buffer of {chain.WritableBytes} bytes for messages");
                    return false;
                }

                queue.Push(chain, (uint)message.Length);
                queue.Publish();
                any = true;
                port.Owed &= ~told;
                port.ToldConnected = told == ConsoleNews.None ? !port.ToldConnected : port.ToldConnected;
            }
        }

        return any;
    }

    /// <summary>The next message about a port, and what it tells; that somebody of the host came or went where that is none of the news.</summary>
    private ReadOnlySpan<byte> NextMessage(ConsolePort port, out ConsoleNews told)
    {
        told = (ConsoleNews)((byte)port.Owed & -(byte)port.Owed); // the lowest bit
        (ConsoleEvent? what, bool value) = told switch
        {
            ConsoleNews.Added => (ConsoleEvent.PortAdd, true),
            ConsoleNews.IsConsole => (ConsoleEvent.ConsolePort, true),
            ConsoleNews.Size => (ConsoleEvent.Resize, true),
            ConsoleNews.Name => (ConsoleEvent.PortName, true),
            _ when port.IsReady && port.ToldConnected != port.Host.IsConnected => (ConsoleEvent.PortOpen, port.Host.IsConnected),
            _ => ((ConsoleEvent?)null, false),
        };
        if (what is not { } message)
        {
            return [];
        }

        BinaryPrimitives.WriteInt32LittleEndian(_message, port.Id);
        BinaryPrimitives.WriteUInt16LittleEndian(_message.AsSpan(ConsoleMessage.Event), (ushort)message);
        BinaryPrimitives.WriteUInt16LittleEndian(_message.AsSpan(ConsoleMessage.Value), value ? (ushort)1 : (ushort)0);
        Span<byte> rest = _message.AsSpan(ConsoleMessage.Bytes);
        int length = 0;
        if (message == ConsoleEvent.PortName)
        {
            port.Host.Name.CopyTo(rest);
            length = port.Host.Name.Length;
        }
        else if (message == ConsoleEvent.Resize)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(rest, port.Host.Columns);
            BinaryPrimitives.WriteUInt16LittleEndian(rest[sizeof(ushort)..], port.Host.Rows);
            length = 2 * sizeof(ushort);
        }

        return _message.AsSpan(0, ConsoleMessage.Bytes + length);
    }
}
