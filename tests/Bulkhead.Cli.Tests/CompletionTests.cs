using System.ComponentModel;
using System.Diagnostics;
using Bulkhead.Cli.Commands;
using Xunit;

namespace Bulkhead.Cli.Tests;

public sealed class CompletionTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bulkhead-completion").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // The line as typed up to the cursor; bash is asked what it would offer, without files.
    [Theory]
    [InlineData("bulkhead si", "simulate")]
    [InlineData("bulkhead v", "validate")]
    [InlineData("bulkhead run de", "debian debian-full debian-rt")]
    [InlineData("bulkhead run --cpu x", "x86-64-v2 x86-64-v3")]
    [InlineData("bulkhead run --cl", "--clock")]
    [InlineData("bulkhead run --clock ", "instructions real")]
    [InlineData("bulkhead run --kernel ", "")]
    [InlineData("bulkhead up ", "")]
    [InlineData("bulkhead validate -", "--help")]
    [InlineData("bulkhead completion ", "bash fish zsh")]
    [InlineData("$FOLDER/bulkhead run --eng", "--engine --engine-options")]
    public void Bash_LineUpToTheCursor_IsCompleted(string line, string expected)
    {
        line = line.Replace("$FOLDER", _folder, StringComparison.Ordinal);
        WriteProgram();
        string script = Write("completion.bash", Script("bash"));

        // What bash itself does on a tab; it breaks words at spaces here.
        string words = string.Join(' ', line.Split(' ').Select(static w => $"'{w}'"));
        string output = Shell("bash", "--norc", "-c", $$"""
            chmod +x '{{_folder}}/bulkhead'
            PATH='{{_folder}}':$PATH
            source '{{script}}'
            complete -p bulkhead >/dev/null || exit 9
            COMP_LINE='{{line}} behind'; COMP_POINT={{line.Length}}; COMP_WORDS=({{words}}); COMP_CWORD={{line.Split(' ').Length - 1}}
            _bulkhead
            for word in "${COMPREPLY[@]}"; do echo "$word"; done | LC_ALL=C sort
            """);

        Assert.Equal(expected, string.Join(' ', output.Split('\n', StringSplitOptions.RemoveEmptyEntries)));
    }

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    public void Script_OfAShell_IsOneItReads(string shell) => Assert.Equal(string.Empty, Shell(shell, "-n", Write("script", Script(shell))));

    [Theory]
    [InlineData("bsh", "bsh: there is no script for such a shell; write one of bash, zsh, fish. Did you mean bash?")]
    [InlineData("", "SHELL")]
    public void Completion_OtherShell_NamesTheFix(string shell, string expected)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();

        Assert.Equal(2, new CommandLine(new RecordingHost(), output, errors).Invoke(["completion", .. shell.Split(' ', StringSplitOptions.RemoveEmptyEntries)]));
        Assert.Contains(expected, errors.ToString(), StringComparison.Ordinal);
    }

    private static string Script(string shell)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        Assert.Equal(0, new CommandLine(new RecordingHost(), output, errors).Invoke(["completion", shell]));
        return output.ToString();
    }

    private void WriteProgram()
    {
        string dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        _ = Write("bulkhead", $"#!/bin/sh\nexec {dotnet} exec '{Path.Combine(AppContext.BaseDirectory, "bulkhead.dll")}' \"$@\"\n");
    }

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    private static string Shell(string shell, params string[] arguments)
    {
        var start = new ProcessStartInfo(shell, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        try
        {
            using Process process = Process.Start(start) ?? throw new InvalidOperationException("The shell did not start.");
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.Equal((0, string.Empty), (process.ExitCode, errors.Result));
            return output;
        }
        catch (Win32Exception)
        {
            Assert.Skip($"there is no {shell} here");
            throw;
        }
    }
}
