using System.Collections.Concurrent;
using System.Diagnostics;

namespace Bulkhead.Tools.Bench.RealTime;

/// <summary>A command whose lines are read as they come; ended with this object.</summary>
internal sealed class LineProcess : IDisposable
{
    private const int MostOfLine = 200;

    private readonly string _name;
    private readonly string? _log;
    private readonly Process _process;
    private readonly BlockingCollection<string> _queue = [];
    private readonly List<string> _lines = [];
    private int _ended;

    /// <summary>Starts a command.</summary>
    /// <param name="command">The program and its arguments.</param>
    /// <param name="log">The file that has what was read of it in the end; null for none.</param>
    internal LineProcess(IReadOnlyList<string> command, string? log = null)
    {
        _log = log;
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        _name = string.Join(' ', command);
        _process = Process.Start(start) ?? throw new BenchException($"{_name} does not start");
        _process.OutputDataReceived += (_, line) => Take(line.Data);
        _process.ErrorDataReceived += (_, line) => Take(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>The process; what starts it becomes it.</summary>
    internal int Id => _process.Id;

    /// <summary>What was read so far.</summary>
    internal IReadOnlyList<string> Lines => _lines;

    /// <summary>Reads up to the first line of which something holds.</summary>
    /// <exception cref="BenchException">There is none before the end, or within the time.</exception>
    internal string Until(Func<string, bool> condition, TimeSpan time)
    {
        var watch = Stopwatch.StartNew();
        while (_queue.TryTake(out string? line, Left(time, watch)))
        {
            _lines.Add(line);
            if (condition(line))
            {
                return line;
            }
        }

        throw new BenchException($"{_name}: {(_queue.IsCompleted ? "ended" : $"{time.TotalSeconds:F0} s were over")} before what was waited for; the last lines: {Last()}");
    }

    /// <summary>Reads to the end; the exit code.</summary>
    /// <exception cref="BenchException">It does not end within the time.</exception>
    internal int ToEnd(TimeSpan time)
    {
        var watch = Stopwatch.StartNew();
        while (_queue.TryTake(out string? line, Left(time, watch)))
        {
            _lines.Add(line);
        }

        return _process.WaitForExit(Left(time, watch)) ? _process.ExitCode : throw new BenchException($"{_name}: takes more than {time.TotalSeconds:F0} s; the last lines: {Last()}");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_log is not null)
        {
            File.WriteAllLines(_log, _lines);
        }

        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        _queue.Dispose();
    }

    // A record of many domains is long.
    private string Last() => string.Join(" / ", _lines.TakeLast(5).Select(static l => l.Length > MostOfLine ? $"{l[..MostOfLine]}..." : l));

    private static TimeSpan Left(TimeSpan time, Stopwatch watch) => time > watch.Elapsed ? time - watch.Elapsed : TimeSpan.Zero;

    private void Take(string? line)
    {
        if (line is not null)
        {
            _queue.Add(line.TrimEnd('\r'));
        }
        else if (Interlocked.Increment(ref _ended) == 2)
        {
            _queue.CompleteAdding();
        }
    }
}
