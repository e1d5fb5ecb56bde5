using System.Diagnostics;

namespace Bulkhead.Tools.Divergence;

/// <summary>Starts other programs.</summary>
internal static class Command
{
    /// <summary>The file of a program, or null where it is not there.</summary>
    internal static string? Find(string name)
    {
        if (name.Contains('/', StringComparison.Ordinal))
        {
            return File.Exists(name) ? Path.GetFullPath(name) : null;
        }

        return (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(':')
            .Select(folder => Path.Combine(folder, name))
            .FirstOrDefault(File.Exists);
    }

    /// <summary>Throws where a program is missing, with the package that has it.</summary>
    internal static string Need(string name, string package) =>
        Find(name) ?? throw new FileNotFoundException($"{name} is missing (Debian: sudo apt-get install {package}).");

    /// <summary>Starts a program with nothing to read, its output for the caller, its complaints in a file.</summary>
    internal static Process Start(string program, IEnumerable<string> arguments, string complaints)
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", "err=$1; shift; exec \"$@\" </dev/null 2>\"$err\"", "sh", complaints, program, .. arguments])
        {
            RedirectStandardOutput = true,
        };
        return Process.Start(start) ?? throw new InvalidOperationException($"{program} does not start.");
    }

    /// <summary>Runs a program to its end, with its output into <paramref name="output"/>.</summary>
    internal static void Run(string program, IEnumerable<string> arguments, Stream output)
    {
        string complaints = Path.GetTempFileName();
        using Process process = Start(program, arguments, complaints);
        process.StandardOutput.BaseStream.CopyTo(output);
        process.WaitForExit();
        string text = File.ReadAllText(complaints);
        File.Delete(complaints);
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {text}");
        }
    }
}
