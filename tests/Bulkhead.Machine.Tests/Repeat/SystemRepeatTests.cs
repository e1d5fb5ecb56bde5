using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Tests.Guests;
using Bulkhead.Machine.Tests.Hostile;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Machine.Tests.Repeat;

/// <summary>Several domains on one clock made of instructions do the same every time.</summary>
public sealed class SystemRepeatTests
{
    private const long EndNs = 1_000_000;

    /// <summary>Settings that translate otherwise, but must not be told apart by a guest.</summary>
    private const string Plain = "chain=off,jump-cache=off,return-stack=off,flag-lookahead=off,inline-system=off,shared-checks=off,relative-code=off,max-block=1";

    public static TheoryData<Attack, int> Attacks => new(
        [.. Enum.GetValues<Attack>().Select(static a => (a, 1)), .. Enum.GetValues<Attack>().Where(static a => Attacker.Vcpus(a) > 1).Select(static a => (a, 2)), (Attack.Timers, 3)]);

    [Theory]
    [MemberData(nameof(Attacks))]
    public void Run_ThreeDomainsOnOtherSettings_SameTurnsAndState(Attack attack, int cpus)
    {
        (List<(long NowNs, int Cpu, int Entry)> turns, ulong hash) = Run(attack, string.Empty, cpus);
        (List<(long NowNs, int Cpu, int Entry)> turnsAgain, ulong hashAgain) = Run(attack, Plain, cpus);

        Assert.True(turns.Count > 5);
        Assert.Equal(Enumerable.Range(0, cpus), turns.Select(static t => t.Cpu).Distinct().Order());
        Assert.Equal(turns, turnsAgain);
        Assert.Equal(hash, hashAgain);
    }

    [Fact]
    public void StateHash_OneInstructionMore_IsAnother()
    {
        ulong hash = HashAfter(5000);
        Assert.Equal(hash, HashAfter(5000));
        Assert.NotEqual(hash, HashAfter(5001));
    }

    [Fact]
    public void EndAfterInstructions_TwoDomains_EndsAtExactlyThatCount()
    {
        using TinyMachine machine = Machine(static r => r with { EndAfterInstructions = 3_456_789 });
        machine.Add(Victim.Answer);
        machine.Add(Victim.Compute);
        IReadOnlyList<DomainResult> results = machine.Run();

        Assert.All(results, static r => Assert.Equal((0, "stopped at the virtual time asked for"), (r.ExitCode, r.Message)));
        Assert.Equal(3_456_789ul, machine.Runner.Counted!.Executed);
    }

    [Fact]
    public void EndAfterInstructions_AroundStiAndInterrupts_EndsAtExactlyThatCount()
    {
        for (ulong count = 5000; count < 5016; count++)
        {
            ulong end = count;
            using TinyMachine machine = Machine(r => r with { EndAfterInstructions = end });
            machine.Add(Attacker.Code(Attack.WakeBySelf));
            _ = machine.Run();

            Assert.Equal(end, machine.Runner.Counted!.Executed);
        }
    }

    [Fact]
    public void EndAtNs_EverybodySleepsForEver_EndsAtThatTime()
    {
        using TinyMachine machine = Machine(static r => r with { EndAtNs = 7_000_000_000 });
        machine.Add(static c =>
        {
            c.sti();
            c.Forever(static l => l.hlt());
        });
        IReadOnlyList<DomainResult> results = machine.Run();

        Assert.Equal("stopped at the virtual time asked for", Assert.Single(results).Message);
        Assert.Equal(7_000_000_000, machine.Runner.Counted!.NowNs);
    }

    [Fact]
    public void Spin_UntilTheOtherVcpuHasAnswered_GoesOn()
    {
        using TinyMachine machine = Machine(static r => r with { EndAtNs = 1_000_000_000 });
        machine.Add(
            static c =>
            {
                Label again = c.CreateLabel();
                c.Begin();
                c.StartOther(static o =>
                {
                    o.xor(ax, ax);
                    o.mov(ds, ax);
                    o.mov(__byte_ptr[0x7000], 1);
                    o.Forever(static l => l.pause());
                });
                c.Label(ref again);
                c.pause();
                c.cmp(__byte_ptr[0x7000], 0);
                c.je(again);
                c.mov(al, 3);
                c.Exit();
            },
            vcpus: 2);

        DomainResult result = Assert.Single(machine.Run());

        Assert.Equal((7, "debug exit"), (result.ExitCode, result.Message));
    }

    [Fact]
    public void Reset_OfOneDomain_IsAtTheSameTimeEveryTime()
    {
        ulong first = Resets();
        Assert.Equal(first, Resets());

        static ulong Resets()
        {
            using TinyMachine machine = Machine(static r => r with { EndAtNs = 10 * EndNs });
            machine.Add(static c =>
            {
                c.Work(50_000);
                c.Out(0x64, 0xFE);
            });
            machine.Add(Victim.Compute);
            machine.Add(Victim.Answer);
            IReadOnlyList<DomainResult> results = machine.Run();
            Assert.Equal(14, results[0].ExitCode);
            Assert.Equal(2, machine.Runner.Domains[0].Resets);
            return machine.Runner.StateHash();
        }
    }

    [Fact]
    public void StateHash_WhileOneRuns_IsRefused()
    {
        using TinyMachine machine = Machine(static r => r);
        machine.Add(Victim.Compute);

        _ = Assert.Throws<InvalidOperationException>(() => machine.Runner.StateHash());
    }

    private static (List<(long NowNs, int Cpu, int Entry)> Turns, ulong Hash) Run(Attack attack, string settings, int cpus)
    {
        var turns = new List<(long, int, int)>();
        using var machine = new HostileMachine(attack, attackerWarps: false, cpus == 1 ? EndNs : 3 * EndNs, settings, cpus);
        machine.Runner.Virtual!.Chosen = (nowNs, cpu, entry) => turns.Add((nowNs, cpu, entry));
        machine.Run();
        return (turns, machine.Runner.StateHash());
    }

    private static ulong HashAfter(ulong instructions)
    {
        using TinyMachine machine = Machine(r => r with { EndAfterInstructions = instructions });
        machine.Add(Victim.Compute);
        _ = machine.Run();
        return machine.Runner.StateHash();
    }

    private static TinyMachine Machine(Func<MachineRequest, MachineRequest> adjust) => new()
    {
        EngineOptions = TranslatorEngines.Counting,
        Adjust = r => adjust(r with { InstructionClock = true }),
    };
}
