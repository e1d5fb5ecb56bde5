using System.Diagnostics;
using System.Text.Json;
using Bulkhead.Core.Time;
using Bulkhead.X86.Engine;

namespace Bulkhead.Machine.Tracing;

/// <summary>Writes what vCPUs do as it happens: VM exits, interrupts, turns.</summary>
/// <remarks>
/// <para><i>Shape</i>: a JSON array in the Chrome trace event format, which Perfetto opens; a process is a domain, a thread
/// a vCPU, times are microseconds since the start. See docs/trace.md.</para>
/// <para><i>Threading</i>: one thread of its own drains the vCPUs' rings into the stream; the control thread does the rest.</para>
/// <para><i>Errors</i>: where the stream fails, writing stops and <see cref="Finish"/> gives the reason; the guests go on.</para>
/// </remarks>
public sealed class TraceFile : IDisposable
{
    private const int FlushBytes = 64 << 10;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(5);

    private readonly Stream _stream;
    private readonly Utf8JsonWriter _json;
    private readonly Thread _thread;
    private readonly ManualResetEventSlim _stop = new();
    private readonly List<(int Process, int Thread, VcpuTrace Trace)> _vcpus = [];
    private readonly long _startNs = Stopwatch.GetTimestamp();
    private int _domains;
    private string? _failure;

    /// <summary>Will write to a stream, which is disposed with this object.</summary>
    public TraceFile(Stream stream)
    {
        _stream = stream;
        _json = new Utf8JsonWriter(stream);
        _thread = new Thread(Run) { Name = "trace", IsBackground = true };
    }

    /// <summary>Events lost because the file could not keep up.</summary>
    public long Dropped => _vcpus.Sum(static v => v.Trace.Dropped);

    /// <summary>Events written.</summary>
    public long Written { get; private set; }

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
        _ = Finish();
        _json.Dispose();
        _stream.Dispose();
        _stop.Dispose();
    }

    /// <summary>Names a domain and gives its vCPUs their rings; before they run.</summary>
    internal VcpuTrace[] Add(string domain, int vcpus, IClock clock)
    {
        if (_domains++ == 0)
        {
            _json.WriteStartArray();
        }

        WriteName("process_name", 0, domain);
        var traces = new VcpuTrace[vcpus];
        for (int i = 0; i < vcpus; i++)
        {
            WriteName("thread_name", i, $"vCPU {i}");
            traces[i] = new VcpuTrace(clock);
            _vcpus.Add((_domains, i, traces[i]));
        }

        return traces;
    }

    /// <summary>Begins to write.</summary>
    internal void Start() => _thread.Start();

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
            _failure = e.Message;
        }
    }

    private void Drain()
    {
        foreach ((int process, int thread, VcpuTrace trace) in _vcpus)
        {
            while (trace.TryTake(out TraceEvent e))
            {
                Write(process, thread, e);
                if (_json.BytesPending > FlushBytes)
                {
                    _json.Flush();
                }
            }
        }
    }

    private void Write(int process, int thread, in TraceEvent e)
    {
        bool turn = e.Kind == TraceKind.Turn;
        _json.WriteStartObject();
        _json.WriteString("name"u8, e.Kind == TraceKind.Exit ? ((ExitReason)e.Code).ToString() : turn ? "turn" : "interrupt");
        _json.WriteString("cat"u8, e.Kind == TraceKind.Exit ? "exit"u8 : turn ? "turn"u8 : "interrupt"u8);
        _json.WriteString("ph"u8, turn ? "X"u8 : "i"u8);
        _json.WriteNumber("pid"u8, process);
        _json.WriteNumber("tid"u8, thread);
        _json.WriteNumber("ts"u8, (e.TimeNs - _startNs) / 1000m);
        if (turn)
        {
            _json.WriteNumber("dur"u8, e.DurationNs / 1000m);
            _json.WriteStartObject("args"u8);
            _json.WriteString("end"u8, ((StopReason)e.Code).ToString());
            _json.WriteEndObject();
        }
        else
        {
            // A mark on its own thread's line.
            _json.WriteString("s"u8, "t"u8);
            if (e.Kind == TraceKind.Interrupt)
            {
                _json.WriteStartObject("args"u8);
                _json.WriteNumber("vector"u8, e.Code);
                _json.WriteEndObject();
            }
        }

        _json.WriteEndObject();
        Written++;
    }

    private void WriteName(string what, int thread, string name)
    {
        _json.WriteStartObject();
        _json.WriteString("name"u8, what);
        _json.WriteString("ph"u8, "M"u8);
        _json.WriteNumber("pid"u8, _domains);
        _json.WriteNumber("tid"u8, thread);
        _json.WriteStartObject("args"u8);
        _json.WriteString("name"u8, name);
        _json.WriteEndObject();
        _json.WriteEndObject();
    }
}
