using System.Diagnostics;
using Xunit;

namespace Bulkhead.X86.Tests.Instructions;

public sealed class GeneratedFilesTests
{
    [Fact]
    public void GeneratedFiles_AreWhatTheToolWrites()
    {
        // artifacts/bin/<project>/<configuration>/ here, and beside it the tool, which this project builds.
        string here = AppContext.BaseDirectory.TrimEnd('/');
        string tool = Path.Combine(here, "../../InstructionTable", Path.GetFileName(here), "InstructionTable.dll");
        var start = new ProcessStartInfo(Environment.ProcessPath is { } p && Path.GetFileName(p) == "dotnet" ? p : "dotnet") { RedirectStandardError = true };
        start.ArgumentList.Add(Path.GetFullPath(tool));
        start.ArgumentList.Add("--check");
        using Process process = Process.Start(start) ?? throw new InvalidOperationException("The tool did not start.");
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, error);
    }
}
