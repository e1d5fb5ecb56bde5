using System.Diagnostics;

namespace Bulkhead.Tools.Bench.Runners;

/// <summary>Runs commands whose output is what they are run for.</summary>
internal static class Command
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(120);

    /// <summary>All lines a command prints, with those for errors, and its exit code.</summary>
    /// <exception cref="BenchException">It does not start, or does not end.</exception>
    internal static (IReadOnlyList<string> Lines, int ExitCode) Run(IReadOnlyList<string> command, TimeSpan? within = null)
    {
        TimeSpan limit = within ?? s_limit;
        using Process process = Start(command);
        Task<string> errors = process.StandardError.ReadToEndAsync();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(limit))
        {
            End(process);
            throw new BenchException($"{command[0]} takes more than {limit.TotalSeconds:F0} s");
        }

        return ($"{output.Result}\n{errors.Result}".Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries), process.ExitCode);
    }

    /// <summary>Nanoseconds from a command's start to the first byte of its output; then it is ended.</summary>
    /// <exception cref="BenchException">It does not start, or prints nothing.</exception>
    internal static double TimeToFirstByte(IReadOnlyList<string> command)
    {
        long start = Stopwatch.GetTimestamp();
        using Process process = Start(command);
        Task<string> errors = process.StandardError.ReadToEndAsync();
        Task<int> first = process.StandardOutput.BaseStream.ReadAsync(new byte[1]).AsTask();
        bool came = first.Wait(s_limit) && first.Result == 1;
        TimeSpan time = Stopwatch.GetElapsedTime(start);
        End(process);
        return came ? time.TotalNanoseconds : throw new BenchException($"{command[0]} prints nothing: {errors.Result.Trim()}");
    }

    private static Process Start(IReadOnlyList<string> command) =>
        Process.Start(new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })
        ?? throw new BenchException($"{command[0]} does not start");

    private static void End(Process process)
    {
        process.Kill(entireProcessTree: true);
        process.WaitForExit();
    }
}
