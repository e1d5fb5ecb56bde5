using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using Bulkhead.Host;

namespace Bulkhead.Images.Debian;

/// <summary>Runs a program of the host to its end.</summary>
internal static class HostTool
{
    /// <summary>Runs a program and returns what it printed; false where it ended with an error, which <paramref name="error"/> then holds.</summary>
    internal static bool TryRun(string program, IReadOnlyList<string> arguments, string? directory, out string output, out string error)
    {
        string text = string.Empty;
        int code = Run(program, arguments, directory, stream =>
        {
            using var reader = new StreamReader(stream, Encoding.UTF8, leaveOpen: true);
            text = reader.ReadToEnd();
        }, out error);
        output = text;
        return code == 0;
    }

    /// <summary>Runs a program and hands its output to <paramref name="read"/> as it comes.</summary>
    internal static void Read(string program, IReadOnlyList<string> arguments, Action<Stream> read)
    {
        int code = Run(program, arguments, directory: null, read, out string error);
        if (code != 0)
        {
            throw new OperatorException($"{program} {string.Join(' ', arguments)} ended with {code}: {error}");
        }
    }

    private static int Run(string program, IReadOnlyList<string> arguments, string? directory, Action<Stream> read, out string error)
    {
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = directory ?? string.Empty,
        };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        // What we parse must not depend on the operator's language.
        start.Environment["LC_ALL"] = "C.UTF-8";
        start.Environment["DEBIAN_FRONTEND"] = "noninteractive";
        using Process process = Start(start);
        process.StandardInput.Close();
        var complaints = new StringBuilder();
        process.ErrorDataReceived += (_, line) =>
        {
            if (!string.IsNullOrWhiteSpace(line.Data))
            {
                _ = complaints.Append(complaints.Length == 0 ? string.Empty : " ").Append(line.Data.Trim());
            }
        };
        process.BeginErrorReadLine();
        read(process.StandardOutput.BaseStream);

        // A reader may stop early; the rest is drained so that the program does not die of a closed pipe.
        process.StandardOutput.BaseStream.CopyTo(Stream.Null);
        process.WaitForExit();
        error = complaints.ToString();
        return process.ExitCode;
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start) ?? throw new OperatorException($"{start.FileName} did not start.");
        }
        catch (Win32Exception e)
        {
            throw new OperatorException(
                $"{start.FileName} cannot be run ({e.Message}). Images are made with Debian's apt and dpkg; without them pass --kernel and --initrd.", e);
        }
    }
}
