using Bulkhead.Cli.Control;
using Bulkhead.Host;
using Bulkhead.Host.Network;
using Bulkhead.Host.Threads;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Cli.Systems;

/// <summary>The control socket of a running system: a thread that accepts, and one per client.</summary>
internal sealed class ControlServer : IDisposable
{
    /// <summary>How many clients may stay; those that ask do not count, so that neither keep the others out.</summary>
    internal const int MostStaying = 64;

    private const int MostAsking = 64;
    private const int PauseMs = 50;

    private readonly LiveSystem _system;
    private readonly UnixListener _listener;
    private readonly Lock _lock = new();
    private readonly HashSet<ControlSession> _asking = [];
    private readonly HashSet<ControlSession> _staying = [];
    private bool _stop;

    private ControlServer(LiveSystem system, UnixListener listener) => (_system, _listener) = (system, listener);

    /// <summary>Listens at the system's place.</summary>
    internal static ControlServer Start(LiveSystem system)
    {
        SystemDirectory.Create();
        string path = SystemDirectory.PathOf(system.Name);
        if (UnixListener.IsServed(path))
        {
            throw new OperatorException($"system {system.Name} runs already; give this one another name with --name.", 2);
        }

        PrepareSockets();
        var server = new ControlServer(system, UnixListener.Open(path, waits: true, "control socket "));
        _ = HostThread.Start(new Thread(server.Accept) { Name = "control", IsBackground = true });
        return server;
    }

    /// <summary>Whether there are clients yet.</summary>
    internal bool HasClients
    {
        get
        {
            lock (_lock)
            {
                return _asking.Count + _staying.Count > 0;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Close();

    /// <summary>Takes no more clients, and tells those there are that the system is over; more than once if need be.</summary>
    internal void Close()
    {
        ControlSession[] sessions;
        lock (_lock)
        {
            _stop = true;
            sessions = [.. _asking, .. _staying];
        }

        _listener.Dispose();
        foreach (ControlSession session in sessions)
        {
            session.End();
        }
    }

    // The class library's sockets take a thread and descriptors with the first of them, and never again where these lacked: not a client's.
    private static void PrepareSockets()
    {
        try
        {
            StreamSocket.CreatePair(out SafeFileHandle other).ToSocket().Dispose();
            other.Dispose();
        }
        catch (TypeInitializationException e)
        {
            throw new OperatorException("control socket: the host gives this process no more threads or files; raise the limits of both (ulimit -u, ulimit -n).", e);
        }
    }

    private void Accept()
    {
        while (!Volatile.Read(ref _stop))
        {
            if (_listener.Accept() is { } client)
            {
                Take(client);
            }
            else if (!Volatile.Read(ref _stop))
            {
                Thread.Sleep(PauseMs); // nothing to take it with, a descriptor, say: it waits
            }
        }
    }

    private void Take(StreamSocket client)
    {
        try
        {
            var session = new ControlSession(_system, client.ToSocket(), TryStay);
            if ((WhyNot(session) ?? TryServe(session)) is { } why)
            {
                session.Refuse(why);
            }
        }
#pragma warning disable CA1031 // The thread's root: the system goes on, whatever became of a client.
        catch (Exception e)
#pragma warning restore CA1031
        {
            client.Dispose();
            _system.Note($"control socket: a client was given up: {e.Message}");
        }
    }

    // Why it is not served, or null.
    private string? TryServe(ControlSession session)
    {
        try
        {
            _ = HostThread.Start(new Thread(() => Serve(session), 256 << 10) { Name = "control client", IsBackground = true });
            return null;
        }
        catch (OperatorException e)
        {
            Leave(session);
            return e.Message;
        }
    }

    private string? WhyNot(ControlSession session)
    {
        lock (_lock)
        {
            string? why = _stop ? $"system {_system.Name} is ending."
                : _asking.Count == MostAsking ? $"system {_system.Name} has {MostAsking} clients already whose requests are not answered yet; try again in some seconds."
                : null;
            if (why is null)
            {
                _ = _asking.Add(session);
            }

            return why;
        }
    }

    private bool TryStay(ControlSession session)
    {
        lock (_lock)
        {
            bool can = _staying.Count < MostStaying;
            if (can)
            {
                _ = _asking.Remove(session);
                _ = _staying.Add(session);
            }

            return can;
        }
    }

    private void Serve(ControlSession session)
    {
        session.Serve();
        Leave(session);
    }

    private void Leave(ControlSession session)
    {
        lock (_lock)
        {
            _ = _asking.Remove(session);
            _ = _staying.Remove(session);
        }
    }
}
