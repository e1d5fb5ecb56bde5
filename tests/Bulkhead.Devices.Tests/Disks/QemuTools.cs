using System.Diagnostics;
using Xunit;

namespace Bulkhead.Devices.Tests.Disks;

/// <summary>Debian's qemu-utils, which know the formats from their source: the oracle of these tests.</summary>
internal static class QemuTools
{
    internal static bool IsThere => File.Exists("/usr/bin/qemu-img") && File.Exists("/usr/bin/qemu-io");

    internal static void Need() => Assert.SkipUnless(IsThere, "there is no qemu-img here (Debian: apt-get install qemu-utils)");

    /// <summary>Runs qemu-img and expects it to succeed.</summary>
    internal static string Image(params string[] arguments)
    {
        (int code, string output) = Run("/usr/bin/qemu-img", arguments);
        Assert.True(code == 0, $"qemu-img {string.Join(' ', arguments)}: {code}\n{output}");
        return output;
    }

    /// <summary>Runs commands of qemu-io on an image.</summary>
    internal static void Io(string format, string path, params string[] commands)
    {
        (int code, string output) = Run("/usr/bin/qemu-io", ["-f", format, .. commands.SelectMany(static c => new[] { "-c", c }), path]);

        // 134: it aborted, as the last command said.
        Assert.True(code == (commands[^1] == "abort" ? 134 : 0) && !output.Contains("failed", StringComparison.Ordinal), $"qemu-io on {path}: {code}\n{output}");
    }

    /// <summary>The exit code of a check: 0 clean, 2 corrupt, 3 leaks only.</summary>
    internal static (int Code, string Output) Check(string format, string path) => Run("/usr/bin/qemu-img", ["check", "-f", format, path]);

    /// <summary>Expects an image without errors and without leaks.</summary>
    internal static void ExpectClean(string format, string path)
    {
        (int code, string output) = Check(format, path);
        Assert.True(code == 0, $"qemu-img check {path}: {code}\n{output}");
    }

    private static (int Code, string Output) Run(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start) ?? throw new InvalidOperationException(program);
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.GetAwaiter().GetResult());
    }
}
