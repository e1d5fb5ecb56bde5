using Bulkhead.Cli.Control;
using Bulkhead.Host;
using Bulkhead.Host.Network;

namespace Bulkhead.Cli.Systems;

/// <summary>The control socket of a running system: a thread that accepts, and one per client.</summary>
internal sealed class ControlServer : IDisposable
{
    /// <summary>How many clients may stay; those that ask do not count, so that neither keep the others out.</summary>
    internal const int MostStaying = 64;

    private const int MostAsking = 64;

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

        var server = new ControlServer(system, UnixListener.Open(path, waits: true, "control socket "));
        new Thread(server.Accept) { Name = "control", IsBackground = true }.Start();
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

    private void Accept()
    {
        while (_listener.Accept()?.ToSocket() is { } client)
        {
            var session = new ControlSession(_system, client, TryStay);
            if (WhyNot(session) is { } why)
            {
                session.Refuse(why);
                continue;
            }

            new Thread(() => Serve(session), 256 << 10) { Name = "control client", IsBackground = true }.Start();
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
        lock (_lock)
        {
            _ = _asking.Remove(session);
            _ = _staying.Remove(session);
        }
    }
}
