using System.Net.Sockets;
using Bulkhead.Host.Network;
using Bulkhead.Host.Threads;
using Bulkhead.Machine.Domains;

namespace Bulkhead.Cli.Machines;

/// <summary>A UNIX socket that listens: one client at a time, who may come and go; the next one waits its turn.</summary>
/// <remarks>
/// <para>The guest never waits for a client: the last 64 KiB nobody took are kept and sent to the client or the next one,
/// older bytes are dropped. Input the guest does not take is kept up to 64 KiB; what is more is lost, as on a serial line.</para>
/// <para><i>Threading</i>: one thread accepts and receives, one sends. <i>Locks</i>: the output's is taken inside the serial
/// device's, the input's outside it.</para>
/// </remarks>
internal sealed class SocketSerial : ISerialEnd
{
    private const int KeptBytes = 64 << 10;
    private const int ChunkBytes = 4096;
    private static readonly TimeSpan s_sendWait = TimeSpan.FromSeconds(1);

    private readonly UnixListener _listener;
    private readonly Thread _receiver;
    private readonly Thread _sender;

    // A plain object: the sender waits on it.
    private readonly object _outputGate = new();
    private readonly OutputRing _output = new(KeptBytes);
    private readonly Lock _inputLock = new();
    private readonly byte[] _input = new byte[KeptBytes];
    private int _inputCount;
    private SerialInput? _guest;
    private Domain? _domain;
    private Socket? _client;
    private bool _stop;

    private SocketSerial(UnixListener listener)
    {
        _listener = listener;
        _receiver = new Thread(Receive) { Name = "serial in", IsBackground = true };
        _sender = new Thread(Send) { Name = "serial out", IsBackground = true };
    }

    /// <summary>Listens on a path; a socket nobody listens on any more is replaced.</summary>
    internal static SocketSerial Listen(string path)
    {
        var serial = new SocketSerial(UnixListener.Open(path, waits: true, "--serial unix:"));
        _ = HostThread.Start(serial._receiver);
        _ = HostThread.Start(serial._sender);
        return serial;
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> data)
    {
        lock (_outputGate)
        {
            _output.Write(data);
            if (_client is not null)
            {
                Monitor.Pulse(_outputGate);
            }
        }
    }

    /// <inheritdoc/>
    public void Attach(Domain domain)
    {
        _domain = domain;
        domain.InputRoom += Offer;
        Attach(domain.SendInput);
    }

    /// <summary>Connects who takes input; <see cref="Offer"/> is to be called when there is room again.</summary>
    internal void Attach(SerialInput guest)
    {
        lock (_inputLock)
        {
            _guest = guest;
        }

        Offer();
    }

    /// <summary>Gives the guest what waits.</summary>
    internal void Offer()
    {
        lock (_inputLock)
        {
            int taken = _inputCount == 0 ? 0 : _guest?.Invoke(_input.AsSpan(0, _inputCount)) ?? 0;
            _input.AsSpan(taken, _inputCount - taken).CopyTo(_input);
            _inputCount -= taken;
        }
    }

    /// <inheritdoc/>
    public void Close()
    {
        if (_domain is not null)
        {
            _domain.InputRoom -= Offer;
            _domain = null;
        }

        lock (_inputLock)
        {
            _guest = null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Close();
        lock (_outputGate)
        {
            _stop = true;
            Monitor.PulseAll(_outputGate);
        }

        // The sender first: a client still gets the last words.
        _sender.Join();
        _listener.Dispose();
        lock (_outputGate)
        {
            _client?.Dispose();
        }

        _receiver.Join();
    }

    private void Receive()
    {
        byte[] chunk = new byte[ChunkBytes];
        while (TryAccept() is { } client)
        {
            for (int count = TryReceive(client, chunk); count > 0; count = TryReceive(client, chunk))
            {
                Accept(chunk.AsSpan(0, count));
            }

            Detach(client);
            client.Dispose();
        }
    }

    private Socket? TryAccept()
    {
        if (_listener.Accept()?.ToSocket() is not { } client)
        {
            return null;
        }

        lock (_outputGate)
        {
            if (!_stop)
            {
                _client = client;
                Monitor.Pulse(_outputGate);
                return client;
            }
        }

        client.Dispose(); // nobody would end it
        return null;
    }

    private static int TryReceive(Socket client, byte[] chunk)
    {
        try
        {
            return client.Receive(chunk);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return 0;
        }
    }

    private void Accept(ReadOnlySpan<byte> data)
    {
        lock (_inputLock)
        {
            int count = Math.Min(data.Length, _input.Length - _inputCount);
            data[..count].CopyTo(_input.AsSpan(_inputCount));
            _inputCount += count;
        }

        Offer();
    }

    private void Detach(Socket client)
    {
        lock (_outputGate)
        {
            if (_client == client)
            {
                _client = null;
            }
        }
    }

    private void Send()
    {
        byte[] chunk = new byte[ChunkBytes];
        while (true)
        {
            Socket client;
            long start;
            int count;
            lock (_outputGate)
            {
                while (!_stop && (_client is null || _output.IsEmpty))
                {
                    _ = Monitor.Wait(_outputGate);
                }

                if (_client is null || _output.IsEmpty)
                {
                    return;
                }

                client = _client;
                (start, count) = _output.Copy(chunk);
            }

            if (!TrySend(client, chunk.AsSpan(0, count), out int sent))
            {
                Detach(client);
            }

            lock (_outputGate)
            {
                _output.Take(start + sent);
                if (_stop && sent == 0)
                {
                    return;
                }
            }
        }
    }

    // False: the client is gone. A client that does not read is only slow.
    private static bool TrySend(Socket client, ReadOnlySpan<byte> data, out int sent)
    {
        sent = 0;
        try
        {
            // A socket that can be written takes a chunk whole, so Send never waits and never stops half-way.
            if (client.Poll(s_sendWait, SelectMode.SelectWrite))
            {
                sent = client.Send(data);
            }

            return true;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }
}
