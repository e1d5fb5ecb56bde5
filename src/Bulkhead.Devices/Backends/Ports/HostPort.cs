using System.Text;
using Bulkhead.Host;
using Bulkhead.Host.Network;
using Bulkhead.Host.Threads;

namespace Bulkhead.Devices.Backends.Ports;

/// <summary>The host's end of a port: a path where one process at a time connects, and the next one waits its turn; viewers; or both.</summary>
/// <remarks><i>Threading</i>: the device's executor, but for what the creator does. <i>Ownership</i>: the creator disposes it, after the device.</remarks>
public sealed class HostPort : IDisposable
{
    private readonly UnixListener? _listener;
    private StreamSocket? _client;
    private uint _size;
    private bool _mayAccept = true;
    private bool _readable;
    private bool _writable;
    private bool _hungUp;

    /// <summary>Listens, where there is a path.</summary>
    /// <param name="name">What the guest calls the port, in ASCII; empty for a console.</param>
    /// <param name="path">Where processes of the host connect, or null.</param>
    /// <param name="columns">How many columns a console has; 0: nobody knows.</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="viewers">Who looks on, or null; the port disposes them.</param>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> where nothing can listen at the path.</remarks>
    public HostPort(string name, string? path, ushort columns = 0, ushort rows = 0, PortViewers? viewers = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        (Name, Viewers, _size) = (Encoding.ASCII.GetBytes(name), viewers, Pack(columns, rows));
        _listener = path is null ? null : UnixListener.Open(path);
    }

    /// <summary>What the guest calls it.</summary>
    internal byte[] Name { get; }

    /// <summary>How many columns a console has, or 0.</summary>
    internal ushort Columns => (ushort)(Volatile.Read(ref _size) >> 16);

    /// <summary>How many rows a console has, or 0.</summary>
    internal ushort Rows => (ushort)Volatile.Read(ref _size);

    /// <summary>Who looks on and types, or null.</summary>
    public PortViewers? Viewers { get; }

    /// <summary>Whether somebody is at the path.</summary>
    internal bool IsConnected => _client is not null;

    /// <summary>Whether there may be bytes for the guest.</summary>
    internal bool MayRead => (_client is not null && _readable) || Viewers is { HasTyped: true };

    /// <inheritdoc/>
    public void Dispose()
    {
        _client?.Dispose();
        _listener?.Dispose();
        Viewers?.Dispose();
    }

    /// <summary>Has itself watched, by three keys: the one given and the next.</summary>
    internal void Watch(PollSet set, ulong key)
    {
        if (_listener is { } listener)
        {
            _ = set.TryAdd(listener.Handle, key);
        }

        if (Viewers is { } viewers)
        {
            _ = set.TryAdd(viewers.Handle, key + 2);
        }

        if (_client is { } client)
        {
            _ = set.TryAdd(client.Handle, key + 1);
        }

        (_mayAccept, _readable, _writable) = (true, true, true);
    }

    /// <summary>There is news of those who look on; true where they said another size.</summary>
    internal bool NoteViewers() =>
        Viewers?.TakeSize() is { } size && Interlocked.Exchange(ref _size, Pack(size.Columns, size.Rows)) != Pack(size.Columns, size.Rows);

    /// <summary>There is news of the path.</summary>
    internal void NoteCaller() => _mayAccept = true;

    /// <summary>There is news of who is there.</summary>
    internal void NoteClient(PollEvents events)
    {
        (_readable, _writable) = (true, true);
        _hungUp |= (events & (PollEvents.HungUp | PollEvents.Failed)) != 0;
    }

    /// <summary>Nobody of the guest hears: who went is gone, and what it said last.</summary>
    internal void DropWhoWent()
    {
        if (_hungUp)
        {
            Disconnect();
        }
    }

    /// <summary>Takes the next one who waits, where nobody is there.</summary>
    internal void Accept(PollSet set, ulong key)
    {
        while (_client is null && _mayAccept)
        {
            if (_listener?.Accept() is not { } client)
            {
                _mayAccept = false;
            }
            else if (set.TryAdd(client.Handle, key + 1))
            {
                (_client, _readable, _writable, _hungUp) = (client, true, true, false);
            }
            else
            {
                client.Dispose();
            }
        }
    }

    /// <summary>Reads what there is for the guest: how many bytes, 0 for none.</summary>
    internal int Read(Span<byte> data)
    {
        int count = _readable ? _client?.Receive(data) ?? 0 : 0;
        _readable &= count != 0;
        if (count < 0)
        {
            Disconnect();
        }

        return count > 0 ? count : Viewers?.Read(data) ?? 0;
    }

    /// <summary>Writes as much of the guest's as there is room for; all of it vanishes where nobody is there.</summary>
    internal int Write(ReadOnlySpan<byte> data)
    {
        int count = WriteToClient(data);
        Viewers?.Show(data[..count]);
        return count;
    }

    private static uint Pack(ushort columns, ushort rows) => ((uint)columns << 16) | rows;

    private int WriteToClient(ReadOnlySpan<byte> data)
    {
        if (_client is null || !_writable)
        {
            return _client is null ? data.Length : 0;
        }

        int count = _client.Send(data);
        _writable = count == data.Length;
        if (count < 0)
        {
            Disconnect();
        }

        return count < 0 ? data.Length : count;
    }

    private void Disconnect()
    {
        _client?.Dispose();
        (_client, _mayAccept, _hungUp) = (null, true, false);
    }
}
