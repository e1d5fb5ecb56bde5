using System.Diagnostics;
using Bulkhead.Host;
using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Smbios;
using Bulkhead.Machine.Tests.Boot;
using Bulkhead.Machine.Tests.Hostile;
using Bulkhead.Machine.Workers;
using Bulkhead.X86.Engine;
using Bulkhead.X86.State;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Machine.Tests.Faults;

/// <summary>A victim that must answer in time, a domain that a fault is put into, and a bystander that computes, on one CPU in virtual
/// time. The faulty domain is started again once, at its end or when it is killed.</summary>
internal sealed class FaultMachine : IDisposable
{
    internal const uint MemoryBytes = 20 << 20;
    internal const long AllowanceNs = 100_000;

    /// <summary>In the middle of a period, so that the victim sleeps.</summary>
    internal const long EndNs = (Answers * (long)Victim.PeriodNs) + (Victim.PeriodNs / 2);

    /// <summary>How often the victim answers until then.</summary>
    internal const int Answers = 15;

    /// <summary>The exit code of a domain that had to be killed.</summary>
    internal const int Killed = 137;

    private const uint Counter = 0x30_0000;
    private const long WarpNs = 60_000;
    private const ulong KillAt = 1_000_000;
    private const ulong LookEvery = 25_000;
    private const long WatchdogNs = 80_000;

    // Only a test that fails waits this long.
    private const int LongestMs = 60_000;

    private readonly List<string> _files = [];
    private readonly List<Life> _lives = [];
    private readonly List<string> _problems = [];
    private readonly TranslatorEngines _engines = TranslatorEngines.Create(TranslatorEngines.Counting);
    private readonly FaultPlan? _plan;
    private readonly string _name;
    private bool _stuck;

    internal FaultMachine(Work work, FaultPlan? plan)
    {
        _plan = plan;
        _name = $"faulty-{work}-{plan?.Seed ?? -1}";
        DomainConfig[] domains =
        [
            new() { Name = "victim", Pool = "p", Warp = new WarpConfig(WarpNs, 0, 0) },
            new() { Name = _name, Pool = "p", Vcpus = WorkCode.Vcpus(work) },
            new() { Name = "bystander", Pool = "p" },
        ];
        System = new SystemConfig("test", [new PoolConfig("p", [CpuSelector.LastAllowed], SchedulingPolicy.Bvt, AllowanceNs)], domains);
        byte[][] images = [WorkCode.Assemble(32, WorkCode.Start, Answer), WorkCode.Image(work), WorkCode.Assemble(32, WorkCode.Start, Victim.Compute)];
        var request = new MachineRequest
        {
            Domains = [.. domains.Select((d, i) => Request(d, images[i]))],
            Pools = [new PoolRequest { AllowanceNs = AllowanceNs }],
            InstructionClock = true,
            EndAtNs = EndNs,
        };
        EngineSeam seam = _engines.Seam;
        Runner = MachineRunner.Build(
            request,
            seam with { CreateVcpu = r => r.Domain == _name ? new FailingVcpu((ICountingVcpu)seam.CreateVcpu(r)) : seam.CreateVcpu(r) });
        Faulty.Ended += OnEnded;
    }

    /// <summary>The same as a system file would have it.</summary>
    internal SystemConfig System { get; }

    internal MachineRunner Runner { get; }

    internal Domain Faulty => Runner.Domains[1];

    /// <summary>The lives of the faulty domain.</summary>
    internal IReadOnlyList<Life> Lives => _lives;

    /// <summary>What is wrong already.</summary>
    internal IReadOnlyList<string> Problems => _problems;

    /// <summary>How long it took to start again, for those who want to know.</summary>
    internal TimeSpan Restart { get; private set; }

    /// <summary>Engines that are there.</summary>
    internal int Engines => _engines.Count;

    /// <summary>How often the victim answered.</summary>
    internal uint Answered => Runner.Domains[0].Memory?.TryReadUInt32(new Core.Memory.Gpa(Counter), out uint count) == true ? count : 0;

    /// <summary>Runs to the end of the time.</summary>
    internal void Run()
    {
        // AddCounted made the clock.
        var agenda = new Agenda(Runner.Counted!);
        for (ulong at = LookEvery; at < EndNs; at += LookEvery)
        {
            agenda.At(at, () => Faulty.EndIfHung(WatchdogNs));
        }

        agenda.At(KillAt, () =>
        {
            if (_lives.Count == 0)
            {
                Faulty.Crash(Killed, "killed", Faulty.Slots[0]);
            }
        });
        if (_plan is not null)
        {
            agenda.At(_plan.At, () => Inject(_plan));
        }

        agenda.Begin();
        Runner.Start();
        if (!Runner.Wait(LongestMs))
        {
            _problems.Add($"the machine does not come to its end: {string.Join("; ", Faulty.Slots.Select(static s => Autopsy.Describe(s, "it runs", null)))}");
            Runner.Stop(-1, "too long");
            _stuck = !Runner.Wait(LongestMs / 10);
        }
    }

    public void Dispose()
    {
        // A worker that never comes back cannot be waited for.
        if (!_stuck)
        {
            Runner.Dispose();
            _engines.Dispose();
        }

        _files.ForEach(File.Delete);
    }

    private static void Answer(Assembler c)
    {
        c.Begin();
        c.Handle(HostileCode.TimerVector, static h =>
        {
            h.inc(__dword_ptr[Counter]);
            h.Work(200);
        });
        c.Periodic(Victim.PeriodNs);
        c.sti();
        c.Forever(static l => l.hlt());
    }

    private DomainRequest Request(DomainConfig domain, byte[] image)
    {
        string path = Path.GetTempFileName();
        File.WriteAllBytes(path, SyntheticKernel.Pvh(image));
        _files.Add(path);
        return new DomainRequest
        {
            Uuid = DomainUuid.Of("faulty"), // not of its name, which tells its fault: what is in its RAM must be the same without one
            Name = domain.Name,
            KernelPath = path,
            MemoryBytes = MemoryBytes,
            Vcpus = domain.Vcpus,
            DebugExit = true,
            Share = domain.Share,
        };
    }

    private void Inject(FaultPlan plan)
    {
        if (Faulty.IsOff || _lives.Count > 0)
        {
            _problems.Add("it ended before the fault");
            return;
        }

        VcpuSlot first = Faulty.Slots[0];
        VcpuSlot any = Faulty.Slots[plan.Random.Next(Faulty.Slots.Length)];
        switch (plan.Kind)
        {
            case FaultKind.FlippedRegisters or FaultKind.FlippedRam or FaultKind.FlippedPageTables or FaultKind.FlippedControl or FaultKind.FlippedSegments:
                BitFlips.Do(plan.Kind, Faulty, plan.Random);
                break;
            case FaultKind.DeviceThrows:
                // Some works reach a device at their end only.
                bool often = plan.Work is Work.Io or Work.Interrupts or Work.TwoVcpus;
                first.Io = new FailingIo(first.Io, often ? plan.Random.Next(1, 20) : 1);
                break;
            case FaultKind.TimerThrows:
                any.Timers.Arm(new FailingTimer(), Faulty.Clock.NowNs + plan.Random.Next(2_000));
                break;
            case FaultKind.EngineStops or FaultKind.EngineThrows:
                var vcpu = (FailingVcpu)any.Vcpu;
                vcpu.FailsIn = 1;
                vcpu.Throws = plan.Kind == FaultKind.EngineThrows;
                break;
            default:
                if (plan.Kind == FaultKind.FileGoneAtReset)
                {
                    SpoilKernel(plan.Random);
                }

                PutCode(plan, first);
                break;
        }

        foreach (VcpuSlot slot in Faulty.Slots)
        {
            slot.Wake();
        }
    }

    private void PutCode(FaultPlan plan, VcpuSlot slot)
    {
        ref Registers r = ref slot.Vcpu.Registers;
        if (FaultCode.Assemble(plan.Kind, r.CodeBits, plan.Random) is not { } code || Faulty.Memory?.TryWrite(new Core.Memory.Gpa(FaultCode.Place), code) != true)
        {
            throw new UnreachableException($"{plan.Kind} has no code.");
        }

        r.Rip = FaultCode.Place;
        r.Activity = (byte)ActivityState.Active;
    }

    private void SpoilKernel(Random random)
    {
        File.Move(_files[1], $"{_files[1]}.good");
        if (random.Next(2) == 0)
        {
            File.WriteAllText(_files[1], "this is no kernel");
        }
    }

    private void RepairKernel()
    {
        if (File.Exists($"{_files[1]}.good"))
        {
            File.Move($"{_files[1]}.good", _files[1], overwrite: true);
        }
    }

    private void OnEnded(DomainResult result)
    {
        ulong instructions = 0;
        foreach (VcpuSlot slot in Faulty.Slots)
        {
            instructions += ((ICountingVcpu)slot.Vcpu).Instructions;
        }

        _lives.Add(new Life(result, DomainHash.Of(Faulty, StateHash.Of([])), instructions));
        if (_lives.Count == 1)
        {
            // Placed on the one worker there is.
            ((Placement)Faulty.Slots[0].Worker!).Owner.Post(StartAgain);
        }
    }

    private void StartAgain()
    {
        try
        {
            Faulty.Release();
            AssertReleased();
            if (_plan?.Kind == FaultKind.FileGoneAtStart)
            {
                SpoilKernel(_plan.Random);
                AssertRefused();
            }

            RepairKernel();
            long start = Stopwatch.GetTimestamp();
            Faulty.Start();
            Restart = Stopwatch.GetElapsedTime(start);
        }
#pragma warning disable CA1031 // On the worker's thread: what goes wrong is the test's to tell.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _problems.Add($"it cannot be started again: {e}");
        }
    }

    private void AssertRefused()
    {
        try
        {
            Faulty.Start();
            _problems.Add("it started without a kernel");
        }
        catch (OperatorException e) when (e.Message.Contains(Path.GetFileName(_files[1]), StringComparison.Ordinal) && Faulty.IsOff)
        {
            AssertReleased();
        }
    }

    // The other two have one engine each; RAM has the domain's name among the process's mappings.
    private void AssertReleased()
    {
        if (_engines.Count != 2)
        {
            _problems.Add($"{_engines.Count} engines where there are two domains");
        }

        if (File.ReadAllText("/proc/self/maps").Contains($"memfd:{_name} ", StringComparison.Ordinal))
        {
            _problems.Add("its RAM is mapped still");
        }
    }
}
