using Bulkhead.Core.Tests;
using Bulkhead.Machine.Tracing;
using Bulkhead.X86.Engine;
using Xunit;

namespace Bulkhead.Machine.Tests.Tracing;

public sealed class WaitLogTests
{
    [Fact]
    public void Worst_NamesWhoRanMeanwhile_AndWhatWasTheEndOfATurn()
    {
        var recorder = new FlightRecorder(0);
        recorder.Add(new TurnRecord("old", 0, 0, 0, 900, 0, StopReason.Budget));
        recorder.Add(new TurnRecord("busy", 0, 0, 900, 300, 50, StopReason.Kicked)); // 1000 to 1200 of it counts
        recorder.Add(new TurnRecord("other", 1, 0, 1200, 100, 0, StopReason.Halt));
        recorder.Add(new TurnRecord("busy", 0, 0, 1300, 400, 0, StopReason.Budget));
        var log = new WaitLog();
        log.Note(1000, 750, recorder);

        WaitRecord wait = Assert.Single(log.Worst(3));
        Assert.Equal((3, 1000, 750), (wait.Vcpu, wait.WokenNs, wait.WaitedNs));
        Assert.Equal(
            [new WaitPart("other", 1, 0, 100, 1, 0), new WaitPart("busy", 0, 200, 400, 1, 50)],
            wait.Parts);
    }

    [Fact]
    public void Leave_WhileItWaits_TakesAlongWhoRanBefore()
    {
        var one = new FlightRecorder(0);
        one.Add(new TurnRecord("busy", 0, 0, 900, 300, 50, StopReason.Kicked)); // 1000 to 1200 of it counts
        one.Add(new TurnRecord("other", 1, 0, 1200, 100, 0, StopReason.Halt));
        var two = new FlightRecorder(1);
        two.Add(new TurnRecord("far", 0, 0, 1000, 400, 0, StopReason.Kicked)); // 1350 to 1400
        two.Add(new TurnRecord("busy", 0, 0, 1400, 30, 0, StopReason.Halt));
        var log = new WaitLog();
        log.Leave(1000, 1350, one);
        log.Note(1000, 430, two);

        WaitRecord wait = Assert.Single(log.Worst(3));
        Assert.Equal(
            [new WaitPart("other", 1, 0, 100, 1, 0), new WaitPart("far", 0, 50, 0, 0, 0), new WaitPart("busy", 0, 200, 30, 1, 50)],
            wait.Parts);

        // Of the next wait that is no part.
        log.Note(5000, 500, two);
        Assert.Equal([], log.Worst(3).First().Parts);
    }

    [Fact]
    public void Worst_TimeClosedToIt_IsNobodysDoing()
    {
        var recorder = new FlightRecorder(0);
        recorder.Add(new TurnRecord("busy", 0, 0, 900, 300, 50, StopReason.Kicked)); // 1000 to 1200 of it counts
        recorder.Add(new TurnRecord("busy", 0, 0, 1300, 200, 0, StopReason.Budget));
        recorder.Add(new TurnRecord("peer", 1, 0, 1500, 100, 0, StopReason.Halt));
        var era = new SomeEra();
        var log = new WaitLog();
        log.Note(1000, 600, recorder, null, era, new Until(1450), 7);

        WaitRecord wait = Assert.Single(log.Worst(3));
        Assert.Equal((450, era), (wait.ClosedNs, wait.Era));
        Assert.Equal([new WaitPart("busy", 0, 0, 50, 1, 0, null, 350), new WaitPart("peer", 1, 0, 100, 1, 0)], wait.Parts);
    }

    [Fact]
    public void Worst_MoreTurnsOrVcpusThanAreKept_AreUnknown()
    {
        var recorder = new FlightRecorder(0);
        for (int i = 0; i < 600; i++)
        {
            recorder.Add(new TurnRecord("busy", i < 598 ? 0 : i, 0, 1000 + i, 1, 0, StopReason.Budget));
        }

        var log = new WaitLog();
        log.Note(1000, 600, recorder);
        Assert.Equal(88, Assert.Single(log.Worst(0)).UnknownNs);

        for (int i = 0; i < 10; i++)
        {
            recorder.Add(new TurnRecord("one of many", i, 0, 2000 + i, 1, 0, StopReason.Budget));
        }

        log.Note(2000, 11, recorder);
        WaitRecord many = log.Worst(0).Last();
        Assert.Equal((8, 2), (many.Parts.Count, many.UnknownNs));
    }

    [Fact]
    public void Worst_OtherRules_LeaveRoomForThoseThatHold()
    {
        var recorder = new FlightRecorder(0);
        var log = new WaitLog();
        var before = new SomeEra();
        before.Begin(0);
        var now = new SomeEra();
        now.Begin(2000);
        for (int i = 1; i <= 20; i++)
        {
            log.Note(1000 + i, 1000 * i, recorder, null, before);
        }

        log.Note(1999, 30, recorder, null, now);
        log.Note(2000, 7, recorder, null, now);

        Assert.Equal([(7, true), (20_000, false), (19_000, false)], log.Worst(0, now).Take(3).Select(static w => (w.WaitedNs, w.IsCurrent)));
        Assert.Equal(9, log.Worst(0, now).Count());
        Assert.DoesNotContain(log.Worst(0, now), static w => w.WaitedNs == 30 && w.IsCurrent);
    }

    [Fact]
    public void Covers_WhatWasWokenSinceItBegan()
    {
        var era = new SomeEra();
        Assert.False(era.Covers(long.MaxValue - 1));
        era.Begin(5);
        Assert.False(era.Covers(4));
        Assert.True(era.Covers(5));
    }

    [Fact]
    public void Worst_KeepsTheLongest_AndForgetsThemInTime()
    {
        var recorder = new FlightRecorder(0);
        var log = new WaitLog();
        for (int i = 1; i <= 100; i++)
        {
            log.Note(1000 + i, i * 7 % 101, recorder);
        }

        Assert.Equal([100, 99, 98, 97, 96, 95, 94, 93], log.Worst(0).Select(static w => w.WaitedNs));
        log.Note(61_000_000_000, 5, recorder);
        Assert.Equal(100, log.Worst(0).First().WaitedNs);
        log.Note(122_000_000_000, 6, recorder);
        Assert.Equal([6, 5], log.Worst(0).Select(static w => w.WaitedNs));
    }

    [Fact]
    public void Note_AllocatesNothing()
    {
        var recorder = new FlightRecorder(0, 64);
        var log = new WaitLog();
        var era = new SomeEra();
        var closed = new Until(2000);
        int round = 0;
        Assert.Equal(0, Allocations.LeastBytes(Fill));

        void Fill()
        {
            round++;
            for (int i = 1; i < 200; i++)
            {
                long start = (round * 70_000_000_000) + (i * 1000);
                recorder.Add(new TurnRecord("a", 0, 0, start, 900, 0, StopReason.Halt));
                log.Note(start + 100, i, recorder, null, era, closed, 7);
            }
        }
    }

    [Fact]
    public void Recorder_Full_GivesTheNewestInOrder()
    {
        var recorder = new FlightRecorder(0, 4);
        long position = 0;
        Assert.False(recorder.TryRead(ref position, out _));
        for (int i = 0; i < 10; i++)
        {
            recorder.Add(new TurnRecord("a", i, 0, i, 1, 0, StopReason.Halt));
        }

        var seen = new List<int>();
        while (recorder.TryRead(ref position, out TurnRecord turn))
        {
            seen.Add(turn.Vcpu);
        }

        Assert.Equal([6, 7, 8, 9], seen);
    }

    private sealed class SomeEra : ScheduleEra;

    private sealed class Until(long endNs) : IClosedTime
    {
        public long ClosedNs(int entry, long fromNs, long toNs) => entry == 7 ? Math.Max(Math.Min(toNs, endNs) - fromNs, 0) : long.MinValue;
    }
}
