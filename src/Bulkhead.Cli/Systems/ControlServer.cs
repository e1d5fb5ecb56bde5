using Bulkhead.Cli.Control;
using Bulkhead.Host;
using Bulkhead.Host.Network;

namespace Bulkhead.Cli.Systems;

/// <summary>The control socket of a running system: a thread that accepts, and one per client.</summary>
internal sealed class ControlServer : IDisposable
{
    private const int MostClients = 64;

    private readonly LiveSystem _system;
    private readonly UnixListener _listener;
    private readonly Lock _lock = new();
    private readonly HashSet<ControlSession> _sessions = [];
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

    /// <inheritdoc/>
    public void Dispose()
    {
        ControlSession[] sessions;
        lock (_lock)
        {
            _stop = true;
            sessions = [.. _sessions];
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
            var session = new ControlSession(_system, client);
            lock (_lock)
            {
                if (_stop || _sessions.Count == MostClients)
                {
                    client.Dispose();
                    continue;
                }

                _ = _sessions.Add(session);
            }

            new Thread(() => Serve(session), 256 << 10) { Name = "control client", IsBackground = true }.Start();
        }
    }

    private void Serve(ControlSession session)
    {
        session.Serve();
        lock (_lock)
        {
            _ = _sessions.Remove(session);
        }
    }
}
