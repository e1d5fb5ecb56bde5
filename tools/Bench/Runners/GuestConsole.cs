using System.Collections.Concurrent;
using System.Diagnostics;

namespace Bulkhead.Tools.Bench.Runners;

/// <summary>The guest program behind a pair of pipes, on the host or on a guest's serial line: commands go in, results come out.</summary>
internal sealed class GuestConsole : IDisposable
{
    private static readonly TimeSpan s_bootTime = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan s_runTime = TimeSpan.FromSeconds(300);
    private readonly Process _process;
    private readonly BlockingCollection<string> _lines = [];
    private int _ended;

    /// <summary>Starts a command and waits until the guest program in it is ready.</summary>
    internal GuestConsole(string directory, IReadOnlyList<string> command)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = directory,
        };
        _process = Process.Start(start) ?? throw new BenchException($"{command[0]} does not start");
        _process.OutputDataReceived += (_, line) => Take(line.Data);
        _process.ErrorDataReceived += (_, line) => Take(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        _ = ReadUntil("bench: ready", s_bootTime);
    }

    /// <summary>Runs a workload.</summary>
    /// <exception cref="BenchException">It failed, or the guest says nothing more.</exception>
    internal Measurement Run(Workload workload, int repetitions)
    {
        _process.StandardInput.Write(string.Join('\t', workload.Words(repetitions)) + "\n");
        _process.StandardInput.Flush();
        List<string> lines = ReadUntil("bench: done", s_runTime);
        if (!lines[^1].EndsWith(" 0", StringComparison.Ordinal))
        {
            throw new BenchException(string.Join(" / ", lines));
        }

        try
        {
            return Measurement.Parse(lines);
        }
        catch (FormatException e)
        {
            throw new BenchException(e.Message);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        _lines.Dispose();
    }

    private void Take(string? line)
    {
        if (line is not null)
        {
            _lines.Add(line.TrimEnd('\r'));
        }
        else if (Interlocked.Increment(ref _ended) == 2)
        {
            _lines.CompleteAdding();
        }
    }

    private List<string> ReadUntil(string end, TimeSpan time)
    {
        var lines = new List<string>();
        var watch = Stopwatch.StartNew();
        while (_lines.TryTake(out string? line, time - watch.Elapsed is { Ticks: > 0 } left ? left : TimeSpan.Zero))
        {
            lines.Add(line);
            if (line.StartsWith(end, StringComparison.Ordinal))
            {
                return lines;
            }
        }

        throw new BenchException($"no '{end}' {(_lines.IsCompleted ? "before its end" : $"within {time.TotalSeconds:F0} s")}; the last lines: {string.Join(" / ", lines.TakeLast(5))}");
    }
}
