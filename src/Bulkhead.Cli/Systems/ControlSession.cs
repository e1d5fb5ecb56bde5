using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using Bulkhead.Cli.Control;
using Bulkhead.Cli.Disks;
using Bulkhead.Host;
using Bulkhead.Host.Threads;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Devices;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Tracing;

namespace Bulkhead.Cli.Systems;

/// <summary>One client of the control socket: a request, a reply, and what follows it.</summary>
/// <remarks><i>Threading</i>: the client's thread, and a second one for what is typed. <i>Errors</i>: whatever goes wrong ends the session
/// alone, with a reply where none was given yet.</remarks>
internal sealed class ControlSession
{
    private const int PauseMs = 10;
    private const int ChunkBytes = 4096;
    private const int SendMs = 5000;
    private const int RequestMs = 5000;
    private const double MostTracedSeconds = 3600;
    private const long PatienceNs = 5_000_000_000;

    // As a shell says it of SIGKILL.

    private static readonly string[] s_staying = ["logs", "console", "trace", "capture"];
    private static readonly string[] s_verbs =
        ["ps", "start", "stop", "restart", "kill", "pause", "resume", "set", "logs", "console", "window", "why", "trace", "networks", "capture", "channels", "revoke", "grant", "resize", "link", "apply", "screenshot", "type", "keys", "down"];

    private readonly LiveSystem _system;
    private readonly Socket _socket;
    private readonly Func<ControlSession, bool> _tryStay;
    private CardCapture? _capture;
    private Screenshot? _screen;
    private bool _traces;
    private bool _waitsForEnd;
    private volatile bool _end;

    /// <summary>A session of a client, whose socket it takes.</summary>
    /// <param name="system">Whom it asks.</param>
    /// <param name="socket">The connection.</param>
    /// <param name="tryStay">Asked before the client gets more than an answer; false where too many do already.</param>
    internal ControlSession(LiveSystem system, Socket socket, Func<ControlSession, bool> tryStay) => (_system, _socket, _tryStay) = (system, socket, tryStay);

    /// <summary>The system is over.</summary>
    internal void End()
    {
        _end = true;
        try
        {
            _socket.Shutdown(SocketShutdown.Receive); // wakes who waits for what the client sends
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The client went away.
        }
    }

    /// <summary>Serves the client until it goes.</summary>
    internal void Serve()
    {
        Guard(Talk);
        if (!_waitsForEnd)
        {
            _socket.Dispose();
        }
    }

    /// <summary>Tells the client why it is not served.</summary>
    internal void Refuse(string why)
    {
        Guard(() => Write(new ControlReply { ExitCode = 1, Error = why, System = _system.Name }));
        _socket.Dispose();
    }

    private static long NowNs => Stopwatch.GetTimestamp();

    // The root of a session's threads.
    private void Guard(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException)
        {
            // The client went away, or takes nothing.
        }
#pragma warning disable CA1031 // The system goes on, whatever became of a client.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _system.Note($"control socket: a client was given up: {e.Message}");
        }
    }

    private void Talk()
    {
        using var stream = new NetworkStream(_socket);
        try
        {
            if (ReadRequest() is { } line)
            {
                Answer(line, stream);
            }
        }
        finally
        {
            _capture?.Dispose();
            StopTrace();
        }
    }

    private string? ReadRequest()
    {
        try
        {
            return ControlLine.Read(_socket, RequestMs);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
        {
            Write(Wrong($"no request came within {RequestMs / 1000} s"));
            return null;
        }
    }

    private void Write(ControlReply reply)
    {
        _socket.SendTimeout = SendMs;
        ControlLine.Write(_socket, JsonSerializer.Serialize(reply, ControlJson.Default.ControlReply));
    }

    private void Answer(string line, NetworkStream stream)
    {
        ControlRequest? request = null;
        ControlReply reply;
        try
        {
            request = JsonSerializer.Deserialize(line, ControlJson.Default.ControlRequest);
            reply = request is null ? Wrong("an empty request") : Carry(request);
        }
        catch (JsonException e)
        {
            reply = Wrong($"not understood: {e.Message}");
        }
        catch (OperatorException e)
        {
            reply = new ControlReply { ExitCode = e.ExitCode, Error = e.Message, System = _system.Name };
        }
#pragma warning disable CA1031 // It goes to the one who asked.
        catch (Exception e)
#pragma warning restore CA1031
        {
            reply = new ControlReply { ExitCode = ExitCodes.Host, Error = $"not done: {e.Message}", System = _system.Name };
        }

        Write(reply);
        if (reply.Error is not null || request is null)
        {
            return;
        }

        if (request.Verb is "logs" or "console")
        {
            Stream(request, FindConsole(request));
        }
        else if (request.Verb == "trace")
        {
            Trace(request, stream);
        }
        else if (request.Verb == "down")
        {
            _waitsForEnd = true;
            _system.CloseAtEnd(_socket);
        }
        else if (_screen is { } screen)
        {
            screen.WritePng(stream);
        }
        else if (_capture is { } capture)
        {
            Capture(request, capture);
        }
    }

    private ControlReply Wrong(string error) => new() { ExitCode = 2, Error = error, System = _system.Name };

    private ControlReply Carry(ControlRequest request)
    {
        if (s_staying.Contains(request.Verb) && !_tryStay(this))
        {
            throw new OperatorException($"system {_system.Name} has {ControlServer.MostStaying} clients already that read logs, consoles, traces and captures; end some of them.");
        }

        switch (request.Verb)
        {
            case "ps":
                return Reply(_system.Ask(() => _system.Status(NowNs)));
            case "down":
                _system.Down(0, "stopped by the operator");
                return Reply(_system.Ask(() => _system.Status(NowNs)));
            case "why":
                ManagedDomain late = Find(request);
                return new ControlReply { System = _system.Name, Waits = _system.Ask(() => _system.Why(late)) };
            case "trace":
                if (request.Follow)
                {
                    _system.Ask(_system.ClaimTrace);
                    _traces = true;
                }

                return Reply([]);
            case "networks":
                return new ControlReply { System = _system.Name, Networks = _system.Ask(_system.Networks) };
            case "channels":
                return new ControlReply { System = _system.Name, Channels = _system.Ask(_system.Channels) };
            case "revoke" or "grant":
                Do(request, static _ => true, string.Empty, d => _system.Revoke(d, request.Values?.GetValueOrDefault("channel") ?? string.Empty, request.Verb == "revoke"));
                break;
            case "resize":
                ManagedDomain grows = Find(request);
                return new ControlReply { System = _system.Name, DiskBytes = _system.Ask(() => Resize(grows.Domain, request.Values ?? new Dictionary<string, string>())) };
            case "link":
                Do(request, static _ => true, string.Empty, d => _system.Plug(d, request.Card ?? 0, request.Values?.GetValueOrDefault("link") switch
                {
                    "up" => true,
                    "down" => false,
                    var other => throw new OperatorException($"link={other}: give up or down.", 2),
                }));
                break;
            case "capture":
                ManagedDomain seen = Find(request);
                _capture = _system.Ask(() => _system.Capture(seen, request.Card ?? 0));
                return Reply([]);
            case "screenshot":
                ManagedDomain shown = Find(request);
                _screen = _system.Ask(() => shown.Domain.Screenshot()) ?? throw new OperatorException($"{shown.Config.Name} has no display, or is off; it gets one from its field display.");
                return _screen.IsDark ? throw new OperatorException($"{shown.Config.Name} has its display switched off.") : Reply([]);
            case "type" or "keys":
                Press(request, Find(request));
                break;
            case "apply":
                SystemConfig next = SystemFile.Load(request.Values?.GetValueOrDefault("file") ?? _system.Config.Path);
                return Reply(_system.Ask(() =>
                {
                    _system.Apply(next);
                    return _system.Status(NowNs);
                }));
            case "start":
                Do(request, static d => !d.IsUp, "is running already", d =>
                {
                    _system.ThrowIfEnding();
                    d.Start(NowNs);
                });
                break;
            case "stop":
                Do(request, static d => d.IsWanted, "is not running", d => d.Stop(NowNs, GraceNs(request), ExitCodes.Killed, "stopped by the operator"));
                Await(request, static d => d.State(NowNs) != DomainState.Stopping);
                break;
            case "restart":
                Do(request, static _ => true, string.Empty, d =>
                {
                    _system.ThrowIfEnding();
                    d.Restart(NowNs, GraceNs(request), ExitCodes.Killed);
                });
                Await(request, static d => d.State(NowNs) is not (DomainState.Stopping or DomainState.Restarting));
                Do(request, static d => !d.WasStopped, "was stopped meanwhile, and does not start again", static _ => { });
                break;
            case "kill":
                Do(request, static d => d.IsWanted, "is not running", static d => d.Stop(NowNs, 0, ExitCodes.Killed, "killed by the operator"));
                Await(request, static d => d.State(NowNs) != DomainState.Stopping);
                break;
            case "pause":
                Do(request, static d => d.IsUp && !d.Domain.IsPaused, "is not running, or paused already", static d => d.Domain.Pause());
                break;
            case "resume":
                Do(request, static d => d.IsUp && d.Domain.IsPaused, "is not paused", static d => d.Domain.Resume());
                break;
            case "set":
                Do(request, static _ => true, string.Empty, d => _system.Change(d, ShareChange.Apply(d.Config, _system.PolicyOf(d), request.Values ?? new Dictionary<string, string>())));
                break;
            case "logs" or "console":
                _ = FindConsole(request);
                break;
            case "window":
                Resize(FindConsole(request), request.Values ?? new Dictionary<string, string>());
                break;
            default:
                return Wrong($"{request.Verb}: there is no such verb; there are {string.Join(", ", s_verbs)}");
        }

        ManagedDomain domain = Find(request);
        return Reply(_system.Ask<IReadOnlyList<DomainStatus>>(() => [_system.Status(domain, NowNs)]));
    }

    private static long Resize(Domain domain, IReadOnlyDictionary<string, string> values)
    {
        string size = values.GetValueOrDefault("size") ?? string.Empty;
        string disk = values.GetValueOrDefault("disk") ?? "0";
        return !DiskSize.TryParse(size, out DiskSize wanted) ? throw new OperatorException($"size={size}: give {DiskSize.Form}.", 2)
            : !int.TryParse(disk, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? throw new OperatorException($"disk={disk}: give a number from 0 on.", 2)
            : domain.GrowDisk(number, wanted.Of);
    }

    private static void Resize(DomainConsole console, IReadOnlyDictionary<string, string> values)
    {
        Number("columns", out ushort columns);
        Number("rows", out ushort rows);
        console.Resize(columns, rows);

        void Number(string name, out ushort number)
        {
            string text = values.GetValueOrDefault(name) ?? string.Empty;
            if (!ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) || number == 0)
            {
                throw new OperatorException($"{name}={text}: give a number from 1 to {ushort.MaxValue}.", 2);
            }
        }
    }

    private ControlReply Reply(IReadOnlyList<DomainStatus> domains) => new() { System = _system.Name, Domains = domains };

    private long GraceNs(ControlRequest request) =>
        request.Seconds is { } seconds ? (long)(Math.Clamp(seconds, 0, 3600) * 1e9) : _system.GraceNs;

    private ManagedDomain Find(ControlRequest request)
    {
        string name = request.Domain ?? string.Empty;
        string[] names = [.. _system.Domains.Select(static d => d.Config.Name)];
        return _system.Domains.FirstOrDefault(d => d.Config.Name == name) ?? throw new OperatorException(
            $"system {_system.Name} has no domain {name}; there are {string.Join(", ", names)}{(NearestName.Find(name, names) is { } near ? $"; did you mean {near}?" : string.Empty)}", 2);
    }

    private DomainConsole FindConsole(ControlRequest request)
    {
        ManagedDomain domain = Find(request);
        string name = request.Device ?? DomainConsole.Serial;
        string[] names = [.. domain.Consoles.Select(static c => c.Name)];
        return domain.Consoles.FirstOrDefault(c => c.Name == name) ?? throw new OperatorException(
            $"{domain.Config.Name} has no console {name}; there {(names.Length == 1 ? "is" : "are")} {string.Join(", ", names)}"
            + (name == DomainConsole.Virtio ? "; it gets this one by its field console." : NearestName.Find(name, names) is { } near ? $"; did you mean {near}?" : "."), 2);
    }

    private void Do(ControlRequest request, Func<ManagedDomain, bool> can, string cannot, Action<ManagedDomain> action)
    {
        ManagedDomain domain = Find(request);
        _system.Ask(() =>
        {
            if (!can(domain))
            {
                throw new OperatorException($"{domain.Config.Name} {cannot}.");
            }

            action(domain);
        });
    }

    private void Await(ControlRequest request, Func<ManagedDomain, bool> reached)
    {
        ManagedDomain domain = Find(request);
        while (!_system.Ask(() => reached(domain)))
        {
            Thread.Sleep(PauseMs);
        }
    }

    private void Stream(ControlRequest request, DomainConsole console)
    {
        ConsoleLog log = console.Log;
        bool follow = request.Follow || request.Verb == "console";
        long position = request.Lines is { } lines ? log.StartOfLast(lines) : log.Start;
        long end = follow ? long.MaxValue : log.End;
        if (request.Verb == "console")
        {
            Domain domain = Find(request).Domain;
            _ = HostThread.Start(new Thread(() => Guard(() => Type(domain, console)), 256 << 10) { Name = "control typing", IsBackground = true });
        }

        byte[] chunk = new byte[ChunkBytes];
        while (position < end)
        {
            int count = log.Read(ref position, chunk.AsSpan(0, (int)Math.Min(ChunkBytes, end - position)));
            if (count > 0)
            {
                _ = _socket.Send(chunk.AsSpan(0, count));
            }
            else if (!follow || _end || IsGone())
            {
                return;
            }
            else
            {
                Thread.Sleep(PauseMs);
            }
        }
    }

    private void Press(ControlRequest request, ManagedDomain domain)
    {
        string name = domain.Config.Name, text = request.Text ?? string.Empty;
        if (!domain.Domain.HasKeyboard)
        {
            throw new OperatorException($"{name} has no keyboard, or is off; it gets one with its field display.");
        }

        KeySequence keys = request.Verb == "type" ? KeySequence.OfText(text) : KeySequence.OfKeys(text);
        for (long since = NowNs; !keys.IsDone;)
        {
            if (domain.Domain.TryType(keys))
            {
                since = NowNs;
            }
            else if (_end || NowNs - since > PatienceNs)
            {
                throw new OperatorException($"{name} takes no keys: what was pressed before is still waiting to be read. Is its keyboard's driver loaded?");
            }

            Thread.Sleep(PauseMs);
        }
    }

    private void Trace(ControlRequest request, NetworkStream stream)
    {
        long ns = (long)(Math.Clamp(request.Seconds ?? 1, 0, MostTracedSeconds) * 1e9);
        using var trace = new TraceFile(stream);
        if (!request.Follow)
        {
            _system.Ask(() => _system.WriteFlight(trace, NowNs - ns));
        }
        else
        {
            long end = NowNs + ns;
            _system.Ask(() => _system.StartTrace(trace));
            while (NowNs < end && !_end && !trace.IsBroken && !IsGone())
            {
                Thread.Sleep(PauseMs);
            }

            StopTrace();
        }

        // Here, since the control thread waits for nobody's socket.
        _ = trace.Finish();
    }

    private void StopTrace()
    {
        if (_traces)
        {
            _traces = false;
            _system.Ask(_system.StopTrace);
        }
    }

    private void Capture(ControlRequest request, CardCapture capture)
    {
        long end = request.Seconds is { } seconds ? NowNs + (long)(Math.Clamp(seconds, 0, MostTracedSeconds) * 1e9) : long.MaxValue;
        byte[] record = new byte[CardCapture.MostBytes];
        while (NowNs < end && !_end && !IsGone())
        {
            int count;
            while ((count = capture.Read(record)) > 0 && NowNs < end)
            {
                _ = _socket.Send(record.AsSpan(0, count));
            }

            Thread.Sleep(PauseMs);
        }
    }

    // What a client sends is its input; of one that only listens, it tells that it went away.
    private bool IsGone() => _socket.Poll(0, SelectMode.SelectRead) && _socket.Available == 0;

    private void Type(Domain domain, DomainConsole console)
    {
        byte[] chunk = new byte[ChunkBytes];
        for (int count = _socket.Receive(chunk); count > 0; count = _socket.Receive(chunk))
        {
            int sent = 0;
            while (sent < count && !_end && !domain.IsOff)
            {
                int taken = console.Type(chunk.AsSpan(sent, count - sent));
                sent += taken;
                if (taken == 0)
                {
                    Thread.Sleep(PauseMs);
                }
            }
        }

        _socket.Shutdown(SocketShutdown.Both);
    }
}
