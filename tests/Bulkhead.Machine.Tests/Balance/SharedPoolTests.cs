using Bulkhead.Host.Threads;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Tests.Guests;
using Bulkhead.Machine.Workers;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Machine.Tests.Balance;

/// <summary>Guests on the real engine, on a pool of two CPUs.</summary>
public sealed class SharedPoolTests
{
    private const long EnoughNs = 3_000_000_000;

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
        Assert.All(ran[..3], ns => Assert.InRange((double)ns / all, 0.28, 0.39));
        Assert.InRange((double)ran[3] / all, 0, 0.05);
        Assert.True(machine.Runner.Domains.Sum(static d => d.Vcpus.Sum(static v => v.Moves)) > 10);
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
        Assert.All(ran[..2], ns => Assert.InRange((double)ns / all, 0.34, 0.46));
        Assert.InRange((double)ran[2] / all, 0.15, 0.26);
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
        Assert.All(ran[..2], ns => Assert.InRange((double)ns / ran.Sum(), 0.2, 0.3));
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
