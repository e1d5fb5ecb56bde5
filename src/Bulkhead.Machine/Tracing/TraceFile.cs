using System.Diagnostics;
using System.Text.Json;
using Bulkhead.Core.Time;
using Bulkhead.Host.Threads;
using Bulkhead.Scheduling.Classes;
using Bulkhead.X86.Engine;

namespace Bulkhead.Machine.Tracing;

/// <summary>Writes what vCPUs do as it happens: turns, waits for them, VM exits, interrupts.</summary>
/// <remarks>
/// <para><i>Shape</i>: a JSON array in the Chrome trace event format, which Perfetto opens; a process is a domain, a thread
/// a vCPU; one more process has the host CPUs. Times are microseconds since the start. See docs/trace.md.</para>
/// <para><i>Threading</i>: one thread of its own drains the vCPUs' rings and the recorders into the stream; the control thread does the rest.</para>
/// <para><i>Cost</i>: an event allocates nothing, so that a flight record of a crash causes no collection.</para>
/// <para><i>Errors</i>: where the stream fails, writing stops and <see cref="Finish"/> gives the reason; the guests go on.</para>
/// </remarks>
public sealed class TraceFile : IDisposable
{
    private const int HostCpus = 0;
    private const int FirstDomain = 1;
    private const int FlushBytes = 16 << 10;
    private static readonly JsonEncodedText[] s_exits = [.. Enumerable.Range(0, 1 << 8).Select(static n => JsonEncodedText.Encode(((ExitReason)n).ToString()))];
    private static readonly JsonEncodedText[] s_ends = [.. Enum.GetValues<StopReason>().Order().Select(static r => JsonEncodedText.Encode(r.ToString()))];
    private static readonly JsonEncodedText s_interrupt = JsonEncodedText.Encode("interrupt");
    private static readonly JsonEncodedText s_waiting = JsonEncodedText.Encode("waiting");
    private static readonly JsonEncodedText s_turn = JsonEncodedText.Encode("turn");
    private static readonly JsonEncodedText s_moved = JsonEncodedText.Encode("moved");
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(5);

    private readonly Stream _stream;
    private readonly Utf8JsonWriter _json;
    private readonly Thread _thread;
    private readonly ManualResetEventSlim _stop = new();
    private readonly List<(int Process, int Thread, VcpuTrace Trace)> _vcpus = [];
    private readonly List<Source> _recorders = [];
    private readonly Dictionary<string, int> _domains = [];
    private readonly Dictionary<(string Domain, int Vcpu), JsonEncodedText> _labels = [];
    private readonly Dictionary<string, JsonEncodedText> _classes = [];
    private long _droppedTurns;
    private bool _begun;
    private string? _failure;

    /// <summary>Will write to a stream, which is disposed with this object.</summary>
    public TraceFile(Stream stream)
    {
        _stream = stream;
        _json = new Utf8JsonWriter(stream);
        _thread = new Thread(Run) { Name = "trace", IsBackground = true };
    }

    /// <summary>Events lost because the file could not keep up.</summary>
    public long Dropped => _droppedTurns + _vcpus.Sum(static v => v.Trace.Dropped);

    /// <summary>Events written.</summary>
    public long Written { get; private set; }

    /// <summary>Whether writing failed.</summary>
    public bool IsBroken => Volatile.Read(ref _failure) is not null;

    /// <summary>Writes what is left and ends the array; once the domains have ended. Words where writing failed, else null.</summary>
    public string? Finish()
    {
        if (_thread.IsAlive)
        {
            _stop.Set();
            _thread.Join();
        }

        return _failure;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Finish() is not null)
        {
            _json.Reset(Stream.Null); // what is left would only fail again
        }

        _json.Dispose();
        _stream.Dispose();
        _stop.Dispose();
    }

    /// <summary>Names a domain and its vCPUs; before <see cref="Start"/>.</summary>
    internal void Name(string domain, int vcpus)
    {
        int process = FirstDomain + _domains.Count;
        _domains[domain] = process;
        WriteName("process_name", process, 0, domain);
        for (int i = 0; i < vcpus; i++)
        {
            WriteName("thread_name", process, i, $"vCPU {i}");
            _labels[(domain, i)] = JsonEncodedText.Encode($"{domain}/{i}");
        }
    }

    /// <summary>Gives a vCPU of a domain that has its name a ring for exits, interrupts and classes.</summary>
    internal VcpuTrace Add(string domain, int vcpu, IClock clock, ClassNames classNames)
    {
        var trace = new VcpuTrace(clock, classNames);
        _vcpus.Add((_domains[domain], vcpu, trace));
        return trace;
    }

    /// <summary>Adds the turns of a pCPU that ended after <paramref name="sinceNs"/>, or from now on.</summary>
    internal void Add(FlightRecorder recorder, long sinceNs)
    {
        if (_recorders.Count == 0)
        {
            WriteName("process_name", HostCpus, 0, "host CPUs");
        }

        WriteName("thread_name", HostCpus, recorder.Cpu, $"CPU {recorder.Cpu}");
        _recorders.Add(new Source(recorder, sinceNs == long.MaxValue ? recorder.End : recorder.Start, sinceNs));
    }

    /// <summary>Begins to write.</summary>
    internal void Start() => _ = HostThread.Start(_thread);

    private void Run()
    {
        try
        {
            bool last = false;
            while (!last)
            {
                last = _stop.Wait(s_pause);
                Drain();
            }

            _json.WriteEndArray();
            _json.Flush();
            _stream.Flush();
        }
        catch (IOException e)
        {
            Volatile.Write(ref _failure, e.Message);
        }
    }

    private void Drain()
    {
        foreach ((int process, int thread, VcpuTrace trace) in _vcpus)
        {
            while (trace.TryTake(out TraceEvent e))
            {
                Write(process, thread, e, trace.ClassNames);
                Relieve();
            }
        }

        foreach (Source source in _recorders)
        {
            while (source.TryTake(out TurnRecord turn, out long lost))
            {
                _droppedTurns += lost;
                Write(source.Cpu, turn);
                Relieve();
            }
        }
    }

    private void Relieve()
    {
        if (_json.BytesPending > FlushBytes)
        {
            _json.Flush();
        }
    }

    private void Write(int process, int thread, in TraceEvent e, ClassNames classNames)
    {
        (JsonEncodedText name, string category) = e.Kind switch
        {
            TraceKind.Exit => (s_exits[e.Code], "exit"),
            TraceKind.Class => (Encoded(classNames[e.Code]), "class"),
            _ => (s_interrupt, "interrupt"),
        };
        Begin(name, category, process, thread, e.TimeNs, null);
        if (e.Kind == TraceKind.Interrupt)
        {
            _json.WriteStartObject("args"u8);
            _json.WriteNumber("vector"u8, e.Code);
            _json.WriteEndObject();
        }

        _json.WriteEndObject();
    }

    // On the vCPU's line and on the host CPU's; and before it, on the vCPU's, the wait for it.
    private void Write(int cpu, in TurnRecord turn)
    {
        int process = _domains.GetValueOrDefault(turn.Domain);
        if (turn.WokenNs != 0)
        {
            Begin(s_waiting, "wait", process, turn.Vcpu, turn.WokenNs, Math.Max(turn.StartNs - turn.WokenNs, 0));
            _json.WriteEndObject();
        }

        if (turn.CameFrom >= 0 && turn.CameFrom != cpu)
        {
            WriteMove(process, cpu, turn);
        }

        WriteTurn(s_turn, process, turn.Vcpu, turn);
        WriteTurn(_labels[(turn.Domain, turn.Vcpu)], HostCpus, cpu, turn);
    }

    private void WriteMove(int process, int cpu, in TurnRecord turn)
    {
        Begin(s_moved, "move", process, turn.Vcpu, turn.StartNs, null);
        _json.WriteStartObject("args"u8);
        _json.WriteNumber("from"u8, turn.CameFrom);
        _json.WriteNumber("to"u8, cpu);
        _json.WriteEndObject();
        _json.WriteEndObject();
    }

    // There are few, and they come again and again.
    private JsonEncodedText Encoded(string className)
    {
        if (!_classes.TryGetValue(className, out JsonEncodedText encoded))
        {
            _classes[className] = encoded = JsonEncodedText.Encode(className);
        }

        return encoded;
    }

    private void WriteTurn(JsonEncodedText name, int process, int thread, in TurnRecord turn)
    {
        Begin(name, "turn", process, thread, turn.StartNs, turn.RanNs);
        _json.WriteStartObject("args"u8);
        _json.WriteString("end"u8, s_ends[(int)turn.End]);
        if (turn.Class is { } inClass)
        {
            _json.WriteString("class"u8, Encoded(inClass));
        }

        if (turn.StolenNs > 0)
        {
            _json.WriteNumber("stolen"u8, turn.StolenNs / 1000m);
        }

        _json.WriteEndObject();
        _json.WriteEndObject();
    }

    // Without a duration it is a mark on its own thread's line.
    private void Begin(JsonEncodedText name, string category, int process, int thread, long timeNs, long? durationNs)
    {
        _json.WriteStartObject();
        _json.WriteString("name"u8, name);
        _json.WriteString("cat"u8, category);
        _json.WriteString("ph"u8, durationNs is null ? "i"u8 : "X"u8);
        _json.WriteNumber("pid"u8, process);
        _json.WriteNumber("tid"u8, thread);
        _json.WriteNumber("ts"u8, timeNs / 1000m);
        if (durationNs is { } ns)
        {
            _json.WriteNumber("dur"u8, ns / 1000m);
        }
        else
        {
            _json.WriteString("s"u8, "t"u8);
        }

        Written++;
    }

    private void WriteName(string what, int process, int thread, string name)
    {
        if (!_begun)
        {
            _begun = true;
            _json.WriteStartArray();
        }

        _json.WriteStartObject();
        _json.WriteString("name"u8, what);
        _json.WriteString("ph"u8, "M"u8);
        _json.WriteNumber("pid"u8, process);
        _json.WriteNumber("tid"u8, thread);
        _json.WriteStartObject("args"u8);
        _json.WriteString("name"u8, name);
        _json.WriteEndObject();
        _json.WriteEndObject();
    }

    /// <summary>A recorder and how far it was read.</summary>
    private sealed class Source(FlightRecorder recorder, long position, long sinceNs)
    {
        private long _position = position;

        internal int Cpu => recorder.Cpu;

        internal bool TryTake(out TurnRecord turn, out long lost)
        {
            lost = 0;
            long before = _position;
            while (recorder.TryRead(ref _position, out turn))
            {
                lost += _position - 1 - before;
                before = _position;
                if (sinceNs == long.MaxValue || turn.StartNs + turn.RanNs >= sinceNs)
                {
                    return true;
                }
            }

            return false;
        }
    }
}
