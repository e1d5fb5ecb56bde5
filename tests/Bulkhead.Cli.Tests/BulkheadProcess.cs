using System.Diagnostics;

namespace Bulkhead.Cli.Tests;

/// <summary>The program as a process of its own, with the effect of signals as in a terminal.</summary>
internal sealed class BulkheadProcess : IDisposable
{
    private readonly Process _process;

    /// <summary>Starts it; <paramref name="runtime"/> is where control sockets stand. The shell may send standard output or input elsewhere.</summary>
    internal BulkheadProcess(string runtime, string[] arguments, string? redirection = null)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "bulkhead.dll");
        string dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        string[] command = ["--default-signal=INT,TERM,HUP,XFSZ", "--ignore-signal=CHLD", dotnet, "exec", program, .. arguments];
        string[] redirected = redirection is null ? [] : ["sh", "-c", $"exec \"$@\" {redirection}", "sh", "env"];
        var start = new ProcessStartInfo("env", [.. redirected, .. command])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["XDG_RUNTIME_DIR"] = runtime;
        start.Environment["XDG_STATE_HOME"] = runtime;
        _process = Process.Start(start) ?? throw new InvalidOperationException("The program did not start.");
    }

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    /// <summary>Reads standard output up to a line that holds these words; null where it ended before.</summary>
    internal string? ReadLineWith(string words)
    {
        string? line = _process.StandardOutput.ReadLine();
        while (line is not null && !line.Contains(words, StringComparison.Ordinal))
        {
            line = _process.StandardOutput.ReadLine();
        }

        return line;
    }

    /// <summary>Reads standard output until there was a line with each of these words, in any order: what guests print at about the same
    /// time is printed by domain. False where it ended before.</summary>
    internal bool ReadLinesWith(params string[] words)
    {
        var left = new List<string>(words);
        while (left.Count > 0 && _process.StandardOutput.ReadLine() is { } line)
        {
            _ = left.RemoveAll(w => line.Contains(w, StringComparison.Ordinal));
        }

        return left.Count == 0;
    }

    /// <summary>Reads no more of standard output, and waits for the end; gives the exit code.</summary>
    internal int EndUnread()
    {
        _process.StandardOutput.Close();
        _process.WaitForExit();
        return _process.ExitCode;
    }

    /// <summary>Types to standard input, and ends it where there is nothing.</summary>
    internal void Type(string? text)
    {
        if (text is null)
        {
            _process.StandardInput.Close();
            return;
        }

        _process.StandardInput.Write(text);
        _process.StandardInput.Flush();
    }

    internal void Signal(string name)
    {
        using Process? kill = Process.Start("kill", [$"-{name}", $"{_process.Id}"]);
        kill?.WaitForExit();
    }

    /// <summary>Sets a limit of the running process, as prlimit(1) names it.</summary>
    internal void Limit(string limit)
    {
        using Process? prlimit = Process.Start("prlimit", [$"--pid={_process.Id}", $"--{limit}"]);
        prlimit?.WaitForExit();
    }

    /// <summary>The numbers of the signals that the running process ignores.</summary>
    internal IReadOnlyList<int> IgnoredSignals()
    {
        string line = File.ReadLines($"/proc/{_process.Id}/status").First(static l => l.StartsWith("SigIgn:", StringComparison.Ordinal));
        ulong mask = Convert.ToUInt64(line[7..].Trim(), 16);
        return [.. Enumerable.Range(1, 64).Where(n => (mask >> (n - 1) & 1) != 0)];
    }

    /// <summary>Waits for the end; gives the exit code and what was printed on the way.</summary>
    internal (int ExitCode, string Output, string Errors) End()
    {
        Task<string> errors = _process.StandardError.ReadToEndAsync();
        string output = _process.StandardOutput.ReadToEnd();
        _process.WaitForExit();
        return (_process.ExitCode, output, errors.Result);
    }
}
