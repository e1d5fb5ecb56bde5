using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace Bulkhead.Machine.Tests.Faults;

/// <summary>Whatever goes wrong in a domain ends in it, with words; its neighbours miss nothing, and it starts again as if nothing had
/// been. In virtual time.</summary>
public sealed class FaultTests(FaultReferences references, ITestOutputHelper output) : IClassFixture<FaultReferences>
{
    public static TheoryData<Work> Works => [.. Enum.GetValues<Work>()];

    /// <summary><c>BULKHEAD_FAULTS</c> of them, from <c>BULKHEAD_FAULTS_FIRST</c> on.</summary>
    public static TheoryData<int> Seeds => [.. Enumerable.Range(Number("BULKHEAD_FAULTS_FIRST", 0), Number("BULKHEAD_FAULTS", 50))];

    [Theory]
    [MemberData(nameof(Works))]
    public void Start_AfterItsEndWithoutAFault_SameStateAgain(Work work)
    {
        using var machine = new FaultMachine(work, null);
        machine.Run();
        var wrong = new List<string>(machine.Problems);
        FaultChecks.AddNeighbours(machine, references.Of(Work.Compute).Victim, wrong);

        Assert.Empty(wrong);
        Assert.Equal(2, machine.Lives.Count);
        Assert.Equal("debug exit", machine.Lives[0].Result.Message);
        Assert.Equal(machine.Lives[0], machine.Lives[1]);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Fault_OfASeed_StaysInItsDomain(int seed)
    {
        var plan = new FaultPlan(seed);
        (Life[] Lives, ulong Victim) reference = references.Of(plan.Work);
        using var machine = new FaultMachine(plan.Work, plan);
        long start = Stopwatch.GetTimestamp();
        machine.Run();

        List<string> wrong = FaultChecks.Problems(machine, plan, reference);
        references.LongestRestart = machine.Restart > references.LongestRestart ? machine.Restart : references.LongestRestart;
        output.WriteLine($"{plan}: {(machine.Lives.Count > 0 ? machine.Lives[0].Result : null)}; run {Stopwatch.GetElapsedTime(start).TotalMilliseconds:F0} ms, longest start again so far {references.LongestRestart.TotalMilliseconds:F1} ms");
        machine.Dispose();
        if (machine.Engines != 0)
        {
            wrong.Add($"{machine.Engines} engines are left");
        }

        Assert.True(wrong.Count == 0, $"{plan}; alone: ./soak --fault {seed}\n{string.Join('\n', wrong)}");
    }

    private static int Number(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out int n) ? n : otherwise;
}
