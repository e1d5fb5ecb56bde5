using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using Bulkhead.Host;

namespace Bulkhead.Images.Debian;

/// <summary>Runs a program of the host to its end.</summary>
internal static class HostTool
{
    /// <summary>The packages the programs we run come in, where one is not called like its package.</summary>
    private static readonly Dictionary<string, string> s_packages = new()
    {
        ["apt-get"] = "apt",
        ["apt-cache"] = "apt",
        ["dpkg-deb"] = "dpkg",
        ["mke2fs"] = "e2fsprogs",
        ["newuidmap"] = "uidmap",
        ["ssh-keygen"] = "openssh-client",
        ["sh"] = "dash",
        ["unshare"] = "util-linux",
    };

    // A user's path often lacks the folders of the administrator's programs, of which we need some that ask for no privilege.
    private static string SearchPath => $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin";

    /// <summary>Whether a program is there to be run.</summary>
    internal static bool IsHere(string program) => Find(program) is not null;

    /// <summary>Throws where one of these programs is missing, with the packages that bring them.</summary>
    internal static void Require(string purpose, params ReadOnlySpan<string> programs)
    {
        var missing = new List<string>();
        foreach (string program in programs)
        {
            if (!IsHere(program))
            {
                missing.Add(program);
            }
        }

        if (missing.Count > 0)
        {
            throw Missing(purpose, missing, null);
        }
    }

    /// <summary>Runs a program and returns what it printed; false where it ended with an error, which <paramref name="error"/> then holds.</summary>
    internal static bool TryRun(string program, IReadOnlyList<string> arguments, string? directory, out string output, out string error)
    {
        string text = string.Empty;
        var complaints = new StringBuilder();
        int code = Run(program, arguments, directory, environment: null, line => Append(complaints, line), stream =>
        {
            using var reader = new StreamReader(stream, Encoding.UTF8, leaveOpen: true);
            text = reader.ReadToEnd();
        });
        output = text;
        error = complaints.ToString();
        return code == 0;
    }

    /// <summary>Runs a program and hands its output to <paramref name="read"/> as it comes.</summary>
    internal static void Read(string program, IReadOnlyList<string> arguments, Action<Stream> read)
    {
        var complaints = new StringBuilder();
        int code = Run(program, arguments, directory: null, environment: null, line => Append(complaints, line), read);
        if (code != 0)
        {
            throw new OperatorException($"{program} {string.Join(' ', arguments)} ended with {code}: {complaints}");
        }
    }

    /// <summary>Runs a program, hands the lines of its standard error to <paramref name="complaint"/> as they come, and returns how it ended.</summary>
    /// <param name="program">Its name, or its path.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="directory">Where it runs; null for where we do.</param>
    /// <param name="environment">Variables besides ours.</param>
    /// <param name="complaint">Called for each line, on a thread of its own.</param>
    /// <param name="read">Reads the standard output; null to drop it.</param>
    internal static int Run(
        string program, IReadOnlyList<string> arguments, string? directory, IReadOnlyDictionary<string, string>? environment, Action<string> complaint, Action<Stream>? read)
    {
        var start = new ProcessStartInfo(Find(program) ?? program)
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

        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        start.Environment["PATH"] = SearchPath;

        // What we parse must not depend on the operator's language.
        start.Environment["LC_ALL"] = "C.UTF-8";
        start.Environment["DEBIAN_FRONTEND"] = "noninteractive";
        using Process process = Start(start, program);
        process.StandardInput.Close();
        process.ErrorDataReceived += (_, line) =>
        {
            if (!string.IsNullOrWhiteSpace(line.Data))
            {
                complaint(line.Data.Trim());
            }
        };
        process.BeginErrorReadLine();
        read?.Invoke(process.StandardOutput.BaseStream);

        // A reader may stop early; the rest is drained so that the program does not die of a closed pipe.
        process.StandardOutput.BaseStream.CopyTo(Stream.Null);
        process.WaitForExit();
        return process.ExitCode;
    }

    private static void Append(StringBuilder complaints, string line) => complaints.Append(complaints.Length == 0 ? string.Empty : " ").Append(line);

    private static string? Find(string program) => program.Contains('/', StringComparison.Ordinal)
        ? File.Exists(program) ? program : null
        : SearchPath.Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    private static Process Start(ProcessStartInfo start, string program)
    {
        try
        {
            return Process.Start(start) ?? throw new OperatorException($"{program} did not start.");
        }
        catch (Win32Exception e)
        {
            throw Missing("images are made with", [program], e);
        }
    }

    private static OperatorException Missing(string purpose, List<string> programs, Exception? cause)
    {
        string packages = string.Join(' ', programs.Select(static p => s_packages.GetValueOrDefault(Path.GetFileName(p), Path.GetFileName(p))).Distinct());
        string message = $"{string.Join(", ", programs)} cannot be run; {purpose} {(programs.Count == 1 ? "it" : "them")}. Install {packages} (Debian: sudo apt-get install {packages}), "
            + "or boot a kernel of your own with --kernel and --initrd.";
        return cause is null ? new OperatorException(message) : new OperatorException(message, cause);
    }
}
