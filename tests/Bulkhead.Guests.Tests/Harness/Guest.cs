using Bulkhead.Core.Memory;
using Bulkhead.Host.Memory;
using Bulkhead.Machine;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Time;
using Bulkhead.Machine.Workers;
using Bulkhead.X86.State;
using Xunit;

namespace Bulkhead.Guests.Tests.Harness;

/// <summary>A machine for one test: 16 MiB of RAM, the whole board, the real engine, and code made by the test.</summary>
/// <remarks>
/// <para>RAM is mapped twice in long mode: where it is for the supervisor, and at <see cref="Layout.User"/> for user code.
/// Interrupts and exceptions go to handlers that log a <see cref="GuestEvent"/>; a fault then goes on behind the
/// <see cref="Catch(Action)"/> around it.</para>
/// <para>The guest ends with <see cref="Exit"/>. Whatever else ends it, and 60 seconds, fail the test.</para>
/// </remarks>
internal sealed partial class Guest : IDisposable
{
    private const int WatchdogMilliseconds = 60_000;
    private static readonly Lazy<TscRate> s_rate = new(static () => TscRate.Measure(Translator.TranslatorEngine.ReadTsc));

    private readonly TranslatorEngines _engines;
    private readonly Domain _domain;
    private readonly RealClock _clock;
    private ulong _nextTable = Layout.Tables;

    /// <summary>Builds the machine; nothing runs yet.</summary>
    public Guest(string engine = "", int vcpus = 1, params (SharedMemory Memory, bool ReadOnly)[] shared)
    {
        _engines = TranslatorEngines.Create(engine);
        _clock = RealClock.StartingNow(_engines.Seam.HostTsc, s_rate.Value);
        Memory = new GuestMemory("guest", Layout.Ram, shared);
        _domain = new Domain("guest", vcpus, _clock, PowerUp);
        _domain.Owned.Add(Memory);
        _domain.Attach(slot => _engines.Seam.CreateVcpu(new VcpuRequest("guest", slot.Index, vcpus, Memory, _clock, "auto")));
        Pages = NewTables();
        WriteTables(vcpus);
        _domain.Start();
    }

    public GuestMemory Memory { get; }

    /// <summary>The page tables of long mode.</summary>
    public PageTables Pages { get; }

    public TestDevice Device { get; } = new();

    /// <summary>What the guest's handlers logged.</summary>
    public IReadOnlyList<GuestEvent> Events
    {
        get
        {
            int count = (int)Read(Layout.EventCount);
            return [.. Enumerable.Range(0, count).Select(i => new GuestEvent([.. Enumerable.Range(0, 24).Select(w => Read(Layout.Events + (ulong)((i * 256) + (w * 8))))]))];
        }
    }

    /// <summary>The one event there is.</summary>
    public GuestEvent Event => Assert.Single(Events);

    /// <summary>Whether the guest's processor follows AMD's rules where vendors differ.</summary>
    public bool IsAmd { get; } = X86.Cpuid.CpuidPolicy.Create(X86.Cpuid.CpuModel.Default, 1, 0).Amd;

    /// <summary>A vCPU's registers, before and after it ran.</summary>
    public ref Registers Cpu(int index = 0) => ref _domain.Slots[index].Vcpu.Registers;

    /// <summary>Its signals, for devices of the test.</summary>
    public VcpuSlot Slot(int index = 0) => _domain.Slots[index];

    /// <summary>New page tables with the usual mappings.</summary>
    public PageTables NewTables()
    {
        var tables = new PageTables(Memory, NewPage);
        tables.MapRange(0, 0, Layout.Ram, PageBits.Kernel, 21);
        tables.MapRange(Layout.User, 0, Layout.Ram, PageBits.User, 21);
        tables.Map(Layout.Device, Layout.Device, PageBits.Kernel, 21);
        tables.Map(Layout.LocalApic, Layout.LocalApic, PageBits.Kernel, 21);
        tables.Map(Layout.IoApic, Layout.IoApic, PageBits.Kernel, 21);
        return tables;
    }

    public ulong Read(ulong gpa)
    {
        Assert.True(Memory.TryReadUInt64(new Gpa(gpa), out ulong value));
        return value;
    }

    public void Write(ulong gpa, ulong value) => Assert.True(Memory.TryWriteUInt64(new Gpa(gpa), value));

    public void Write32(ulong gpa, uint value) => Assert.True(Memory.TryWriteUInt32(new Gpa(gpa), value));

    /// <summary>Assembles 64-bit code, runs it on vCPU 0 in long mode at CPL 0, and expects <see cref="Exit"/>.</summary>
    public void Long(Action<Iced.Intel.Assembler> code) => Expect(LongResult(code));

    /// <summary>The same, to whatever end.</summary>
    public DomainResult LongResult(Action<Iced.Intel.Assembler> code)
    {
        Place(64, Layout.Code, code);
        EnterLong(0, Layout.Code);
        return Run();
    }

    /// <summary>Assembles 32-bit code, runs it on vCPU 0 in flat protected mode without paging, and expects <see cref="Exit"/>.</summary>
    public void Protected(Action<Iced.Intel.Assembler> code)
    {
        Place(32, Layout.Code32, code);
        EnterProtected(0, Layout.Code32);
        Expect(Run());
    }

    /// <summary>Assembles 16-bit code, runs it on vCPU 0 in real mode, and expects <see cref="Exit"/>.</summary>
    public void Real(Action<Iced.Intel.Assembler> code)
    {
        Place(16, Layout.RealCode, code);
        EnterReal(0, Layout.RealCode);
        Expect(Run());
    }

    /// <summary>Expects just these events: vector, error code, and where.</summary>
    public void Expect(params (int Vector, ulong Error, string Mark)[] expected) =>
        Assert.Equal(
            expected.Select(e => $"{e.Mark}: {e.Vector} ({e.Error:x}) at {At(e.Mark):x}"),
            Events.Select((e, i) => $"{(i < expected.Length ? expected[i].Mark : "?")}: {e.Vector} ({e.ErrorCode:x}) at {(e.Rip >= Layout.User ? e.Rip - Layout.User : e.Rip):x}"));

    /// <summary>Runs until the domain ends.</summary>
    public DomainResult Run()
    {
        WriteFixups();
        using var ended = new ManualResetEventSlim();
        _domain.Ended += _ => ended.Set();
        PcpuWorker[] workers = [.. Enumerable.Range(0, Math.Min(_domain.Slots.Length, 2)).Select(_ => NewWorker())];
        try
        {
            foreach (VcpuSlot slot in _domain.Slots)
            {
                workers[slot.Index % workers.Length].Place(slot, new Share());
            }

            foreach (PcpuWorker worker in workers)
            {
                worker.Start();
            }

            if (!ended.Wait(WatchdogMilliseconds))
            {
                _domain.Stop(ExitCodes.Timeout, "the watchdog");
                Assert.True(ended.Wait(WatchdogMilliseconds), "The engine does not stop.");
            }
        }
        finally
        {
            foreach (PcpuWorker worker in workers)
            {
                worker.Dispose();
            }
        }

        return _domain.Result ?? throw new InvalidOperationException("The domain ended without a result.");
    }

    public void Dispose()
    {
        _domain.Dispose();
        _engines.Dispose();
    }

    /// <summary>An empty page of RAM for tables.</summary>
    public ulong NewPage()
    {
        ulong page = _nextTable;
        _nextTable += 4096;
        Assert.True(page < Layout.Code, "No room for more page tables.");
        return page;
    }

    private static PcpuWorker NewWorker() => new(
        -1,
        new RoundRobinPolicy(1_000_000),
        new WorkerOptions(System.Diagnostics.Stopwatch.GetTimestamp, static end => new ThreadTurnTimer(end), new SpinThenSleep(20_000)));

    private void Expect(DomainResult result)
    {
        if (result.ExitCode != 1)
        {
            Assert.Fail($"{result.ExitCode}: {result.Message}\n{string.Join('\n', Events)}\n{string.Join('\n', _domain.Slots.Select(s => Text(ref s.Vcpu.Registers)))}");
        }
    }

    private static unsafe string Text(ref Registers r) =>
        $"rip {r.Rip:x} flags {r.Rflags:x} rsp {r.Gpr[4]:x} rax {r.Gpr[0]:x} cr0 {r.Cr0:x} cr2 {r.Cr2:x} cr3 {r.Cr3:x} cr4 {r.Cr4:x} efer {r.Efer:x}";

    private void PowerUp(Domain domain)
    {
        domain.Board = new Board(domain, static _ => { }, 0, debugExit: true);
        foreach (VcpuSlot slot in domain.Slots)
        {
            slot.Io = Device.Before(slot.Io);
            slot.Vcpu.Reset();
            slot.Vcpu.Registers.TscOffset = _clock.TscOffset;
            if (slot.Index != 0)
            {
                slot.Vcpu.Registers.Activity = (byte)ActivityState.WaitForSipi;
            }
        }
    }
}
