using System.Diagnostics;
using Bulkhead.Core.Tests;
using System.Text.Json;
using Bulkhead.Core.Time;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Tests.Guests;
using Bulkhead.Machine.Tracing;
using Bulkhead.Scheduling.Classes;
using Bulkhead.X86.Engine;
using Xunit;

namespace Bulkhead.Machine.Tests.Tracing;

public sealed class TraceTests
{
    [Fact]
    public void Trace_OfAGuest_HasEveryExitTurnAndInterrupt()
    {
        long before = Stopwatch.GetTimestamp();
        using var stream = new MemoryStream();
        using var trace = new TraceFile(stream);
        using var machine = new TinyMachine { Trace = trace };
        machine.Add(static c =>
        {
            c.Print("a guest");
            c.SetGate(0x40, exit: 3);
            c.StartApicTimer(0x40);
            c.sti();
            c.hlt();
        });

        Assert.Equal(7, Assert.Single(machine.Run()).ExitCode);
        Assert.Null(trace.Finish());

        VcpuSlot vcpu = machine.Runner.Domains[0].Vcpus[0];
        JsonElement[] events = [.. JsonDocument.Parse(stream.ToArray()).RootElement.EnumerateArray()];
        Assert.Equal(trace.Written, events.Count(static e => Text(e, "ph") != "M"));
        Assert.Equal(0, trace.Dropped);
        Assert.All(events.Where(static e => Text(e, "ph") != "M"), e => Assert.InRange(e.GetProperty("ts").GetDecimal() * 1000, before, Stopwatch.GetTimestamp()));
        int cpu = machine.Pool.Cpus[0];
        Assert.Equal(["tiny0", "vCPU 0", "host CPUs", $"CPU {cpu}"], events.Where(static e => Text(e, "ph") == "M").Select(static e => Text(e.GetProperty("args"), "name")));
        JsonElement[] onHost = [.. Of(events, "turn").Where(static e => e.GetProperty("pid").GetInt32() == 0)];
        Assert.All(onHost, e => Assert.Equal(("tiny0/0", cpu), (Text(e, "name"), e.GetProperty("tid").GetInt32())));
        Assert.Equal(vcpu.Turns, onHost.Length);
        events = [.. events.Where(static e => e.GetProperty("pid").GetInt32() == 1)];
        Assert.All(events, static e => Assert.Equal(0, e.GetProperty("tid").GetInt32()));

        Assert.Equal(vcpu.Turns, Of(events, "turn").Length);
        Assert.All(Of(events, "turn"), static e => Assert.True(Enum.TryParse<StopReason>(Text(e.GetProperty("args"), "end"), out _)));
        Assert.Equal(vcpu.RanNs, Of(events, "turn").Sum(static e => (long)(e.GetProperty("dur").GetDecimal() * 1000)));
        long[] waits = new long[LatencyHistogram.Classes];
        vcpu.DispatchLatency.AddTo(waits);
        Assert.Equal(waits.Sum(), Of(events, "wait").Length);
        Assert.Equal(0x40, Assert.Single(Of(events, "interrupt")).GetProperty("args").GetProperty("vector").GetInt32());
        Assert.Equal(
            vcpu.ExitTable().Where(static r => Enum.Parse<ExitReason>(r.Reason) < ExitReason.BlockLookup).OrderBy(static r => r.Reason, StringComparer.Ordinal),
            Of(events, "exit").GroupBy(static e => Text(e, "name")).Select(static g => (g.Key, (long)g.Count())).OrderBy(static r => r.Key, StringComparer.Ordinal));
    }

    [Fact]
    public void Ring_Full_DropsTheNewestAndCounts()
    {
        var ring = new VcpuTrace(new StillClock(), ClassNames.None, 4);
        for (int i = 0; i < 7; i++)
        {
            ring.OnInterrupt((byte)i);
        }

        Assert.Equal(3, ring.Dropped);
        for (int i = 0; i < 4; i++)
        {
            Assert.True(ring.TryTake(out TraceEvent e));
            Assert.Equal((TraceKind.Interrupt, (byte)i), (e.Kind, e.Code));
        }

        Assert.False(ring.TryTake(out _));
        ring.OnInterrupt(9);
        Assert.True(ring.TryTake(out TraceEvent last));
        Assert.Equal(9, last.Code);
    }

    [Fact]
    public void Ring_Add_AllocatesNothing()
    {
        var ring = new VcpuTrace(new StillClock(), ClassNames.None, 4);

        Assert.Equal(0, Allocations.LeastBytes(() => ring.OnExit(ExitReason.Io)));
    }

    [Fact]
    public void Finish_StreamFails_SaysWhy()
    {
        using var trace = new TraceFile(new FullStream());
        using var machine = new TinyMachine { Trace = trace };
        machine.Add(static c => c.Halt());

        _ = machine.Run();

        Assert.Equal("no space", trace.Finish());
    }

    private static JsonElement[] Of(JsonElement[] events, string category) =>
        [.. events.Where(e => e.TryGetProperty("cat", out JsonElement cat) && cat.GetString() == category)];

    private static string Text(JsonElement e, string name) => e.GetProperty(name).GetString() ?? "";
}
