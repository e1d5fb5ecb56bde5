using Bulkhead.Machine.Domains;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Machine.Tests.Guests;

/// <summary>Starting again, pausing, and the watchdog.</summary>
public class LifeTests
{
    private const int Exit = 0xF4;
    private const int Serial = 0x3F8;
    private const int Mark = 0x20_0000;

    [Fact]
    public void Start_AfterTheEnd_RamIsNew()
    {
        using var machine = new TinyMachine();
        machine.Add(static c =>
        {
            // Status 0 where RAM was zero; it leaves something behind for the next life.
            c.mov(eax, __dword_ptr[Mark]);
            c.mov(__dword_ptr[Mark], 0x55);
            c.mov(dx, Exit);
            c.@out(dx, al);
        });

        Assert.Equal(1, Assert.Single(machine.Run()).ExitCode);
        Domain domain = machine.Runner.Domains[0];
        domain.Start();
        Assert.Equal(1, Assert.Single(machine.End()).ExitCode);
        Assert.True(domain.IsOff);
    }

    [Fact]
    public void Start_AfterRelease_RunsAndKeepsCounting()
    {
        using var machine = new TinyMachine();
        machine.Add(static c =>
        {
            c.mov(al, 3);
            c.mov(dx, Exit);
            c.@out(dx, al);
        });

        _ = machine.Run();
        Domain domain = machine.Runner.Domains[0];
        long exits = domain.Vcpus[0].ExitCount;
        for (int i = 0; i < 20; i++)
        {
            domain.Release();
            domain.Stop(1, "to one that is off, this says nothing");
            domain.Start();
            Assert.Equal(7, Assert.Single(machine.End()).ExitCode);
        }

        Assert.Equal(21 * exits, domain.Vcpus[0].ExitCount);
    }

    [Fact]
    public void Start_WhileItRuns_IsRefused()
    {
        using var machine = new TinyMachine();
        machine.Add(Forever);
        machine.Runner.Start();
        _ = Assert.Throws<InvalidOperationException>(machine.Runner.Domains[0].Start);
        machine.Runner.Stop(5, "enough");
        Assert.Equal(5, Assert.Single(machine.End()).ExitCode);
    }

    [Fact]
    public void Pause_TheOthersGoOn_AndItGoesOnAfterResume()
    {
        using var machine = new TinyMachine();
        machine.Add(static c =>
        {
            // Prints until it is stopped.
            Label again = c.CreateLabel();
            c.mov(al, (byte)'a');
            c.mov(dx, Serial);
            c.Label(ref again);
            c.@out(dx, al);
            c.jmp(again);
        });
        machine.Add(Forever);
        machine.Runner.Start();
        Domain printer = machine.Runner.Domains[0];
        Domain other = machine.Runner.Domains[1];
        Until(() => printer.Vcpus[0].Turns > 2 && other.Vcpus[0].Turns > 2);

        printer.Pause();
        Until(() => RunsAlone(other, printer));
        long turns = printer.Vcpus[0].Turns;
        long others = other.Vcpus[0].RanNs;
        Until(() => other.Vcpus[0].RanNs > others + 20_000_000);
        Assert.Equal(turns, printer.Vcpus[0].Turns);

        printer.Resume();
        Until(() => printer.Vcpus[0].Turns > turns + 2);
        machine.Runner.Stop(5, "enough");
        Assert.All(machine.End(), static r => Assert.Equal(5, r.ExitCode));
    }

    [Fact]
    public void Stop_WhilePaused_EndsIt()
    {
        using var machine = new TinyMachine();
        machine.Add(Forever);
        machine.Runner.Start();
        machine.Runner.Domains[0].Pause();
        machine.Runner.Stop(5, "enough");
        Assert.Equal(5, Assert.Single(machine.End()).ExitCode);
    }

    [Fact]
    public void Watchdog_AVcpuThatNeitherHaltsNorTakesInterrupts_EndsThatDomainAlone()
    {
        using var machine = new TinyMachine();
        machine.Add(Forever);
        machine.Add(Forever);
        machine.Runner.Start();
        Domain hung = machine.Runner.Domains[0];
        Until(() =>
        {
            hung.EndIfHung(50_000_000);
            return hung.IsOff;
        });
        Assert.Equal(ExitCodes.Hung, hung.Result?.ExitCode);
        Assert.Contains("watchdog: vCPU 0", hung.Result?.Message, StringComparison.Ordinal);
        Assert.False(machine.Runner.Domains[1].IsOff);
        machine.Runner.Stop(5, "enough");
        _ = machine.End();
    }

    private static void Forever(Assembler c)
    {
        Label again = c.CreateLabel();
        c.Label(ref again);
        c.jmp(again);
    }

    private static bool RunsAlone(Domain runs, Domain paused)
    {
        long turns = paused.Vcpus[0].Turns;
        long before = runs.Vcpus[0].RanNs;
        Until(() => runs.Vcpus[0].RanNs > before);
        return turns == paused.Vcpus[0].Turns;
    }

    private static void Until(Func<bool> reached) =>
        Assert.True(SpinWait.SpinUntil(reached, TimeSpan.FromMinutes(2)), "This should have happened long ago.");
}
