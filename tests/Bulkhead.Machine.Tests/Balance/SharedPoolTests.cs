using System.Text.Json;
using Bulkhead.Host.Threads;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Tests.Guests;
using Bulkhead.Machine.Tracing;
using Bulkhead.Machine.Workers;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Machine.Tests.Balance;

/// <summary>Guests on the real engine, on a pool of two CPUs.</summary>
public sealed class SharedPoolTests
{
    private const long EnoughNs = 4_000_000_000;

    [Fact]
    public void ThreeBusyGuestsAndAnIdleOne_GetTwoThirdsOfACpuEach()
    {
        using TinyMachine machine = Machine();
        machine.Add(Busy);
        machine.Add(Busy);
        machine.Add(Busy);
        machine.Add(Sleep);

        long[] ran = Run(machine);

        long all = ran.Sum();
        Assert.All(ran[..3], ns => Assert.InRange((double)ns / all, 0.26, 0.41));
        Assert.InRange((double)ran[3] / all, 0, 0.05);
        Assert.True(machine.Runner.Domains.Sum(static d => d.Vcpus.Sum(static v => v.Moves)) > 10);
    }

    [Fact]
    public void Trace_OfGuestsThatMove_SaysWhereFromAndWhereTo()
    {
        using var stream = new MemoryStream();
        using var trace = new TraceFile(stream);
        using TinyMachine machine = Machine(request => request with { Trace = trace });
        machine.Add(Busy);
        machine.Add(Busy);
        machine.Add(Busy);

        _ = Run(machine);
        Assert.Null(trace.Finish());

        JsonElement[] events = [.. JsonDocument.Parse(stream.ToArray()).RootElement.EnumerateArray()];
        JsonElement[] moves = [.. events.Where(static e => e.GetProperty("name").GetString() == "moved")];
        (int, int)[] turns = [.. events.Where(static e => e.GetProperty("ph").GetString() == "X" && e.GetProperty("pid").GetInt32() == 0)
            .OrderBy(static e => e.GetProperty("ts").GetDecimal()).Select(static e => (e.GetProperty("name").GetString()![4] - '0', e.GetProperty("tid").GetInt32()))];
        for (int i = 0; i < 3; i++)
        {
            // From one CPU's line to the other's, in turn, as often as it says.
            int[] cpus = [.. turns.Where(t => t.Item1 == i).Select(static t => t.Item2)];
            (int, int)[] changes = [.. cpus.Zip(cpus.Skip(1)).Where(static c => c.First != c.Second)];
            (int, int)[] said = [.. moves.Where(e => e.GetProperty("pid").GetInt32() == i + 1).OrderBy(static e => e.GetProperty("ts").GetDecimal())
                .Select(static e => e.GetProperty("args")).Select(static a => (a.GetProperty("from").GetInt32(), a.GetProperty("to").GetInt32()))];
            Assert.Equal(changes, said.TakeLast(changes.Length));
            Assert.InRange(said.Length - changes.Length, 0, 1);
        }

        Assert.True(moves.Length > 10);
    }

    [Fact]
    public void WeightsTwoTwoOne_AreKeptOverThePool()
    {
        using TinyMachine machine = Machine();
        machine.Add(Busy, share: new Share(2));
        machine.Add(Busy, share: new Share(2));
        machine.Add(Busy, share: new Share(1));

        long[] ran = Run(machine);

        long all = ran.Sum();
        Assert.All(ran[..2], ns => Assert.InRange((double)ns / all, 0.33, 0.47));
        Assert.InRange((double)ran[2] / all, 0.14, 0.27);
    }

    [Fact]
    public void AGuestThatIsPinned_StaysOnItsCpu()
    {
        using TinyMachine machine = Machine(static request => request with
        {
            Domains = [request.Domains[0] with { Cpus = [1] }, request.Domains[1] with { Cpus = [1] }, request.Domains[2]],
        });
        machine.Add(Busy);
        machine.Add(Busy);
        machine.Add(Busy);

        long[] ran = Run(machine);

        Assert.All(machine.Runner.Domains.Take(2), static d => Assert.Equal(0, d.Vcpus[0].Moves));
        Assert.InRange((double)ran[0] / (ran[0] + ran[1]), 0.35, 0.65);
        Assert.All(ran[..2], ns => Assert.True(ns < ran[2], string.Join(' ', ran)));
    }

    [Fact]
    public void ADomainThatNeedsAnAnswer_StaysWhereItIs_AndItsCpuTakesNobodyElse()
    {
        using TinyMachine machine = Machine();
        machine.Add(Busy, share: new Share { HasDeadline = true });
        machine.Add(Busy);
        machine.Add(Busy);
        machine.Add(Busy);
        machine.Add(Busy);

        long[] ran = Run(machine);

        // It shares its CPU with the third and the fifth at most, which were dealt to it; they may leave.
        Assert.Equal(0, machine.Runner.Domains[0].Vcpus[0].Moves);
        Placement[] placed = [.. machine.Runner.Domains.Select(static d => (Placement)d.Vcpus[0].Worker!)];
        Assert.All(placed, p => Assert.True(p.Owner == p.Home || p.Owner != placed[0].Home));
        Assert.True((double)ran[0] / ran.Sum() > 0.14);
    }

    private static void Busy(Assembler c)
    {
        Label loop = c.CreateLabel();
        c.Label(ref loop);
        c.add(eax, 1);
        c.jmp(loop);
    }

    private static void Sleep(Assembler c)
    {
        Label loop = c.CreateLabel();
        c.sti();
        c.Label(ref loop);
        c.hlt();
        c.jmp(loop);
    }

    private static TinyMachine Machine(Func<MachineRequest, MachineRequest>? adjust = null)
    {
        int[] allowed = HostThread.AllowedCpus();
        Assert.SkipWhen(allowed.Length < 2, "needs two CPUs");
        return new TinyMachine { Adjust = request => (adjust?.Invoke(request) ?? request) with { Pools = [new PoolRequest { Cpus = allowed[^2..] }] } };
    }

    // Until they ran so long all together, however long that takes.
    private static long[] Run(TinyMachine machine)
    {
        machine.Runner.Start();
        Assert.True(RestlessPool.Await(() => machine.Runner.Domains.Sum(Ran) > EnoughNs));
        machine.Runner.Stop(0, "enough");
        _ = machine.End();
        return [.. machine.Runner.Domains.Select(Ran)];
    }

    private static long Ran(Domain domain) => domain.Vcpus.Sum(static v => v.RanNs);
}
