using System.Text;
using Bulkhead.Tools.Divergence;
using CsCheck;
using Xunit;

namespace Bulkhead.Machine.Tests.Repeat;

/// <summary>The comparison of two streams of addresses behind tools/divergence.</summary>
public sealed class StreamComparerTests
{
    private const int Run = 4;
    private const int Window = 100;

    [Fact]
    public void Next_SameStreams_NoDifference()
    {
        StreamComparer comparer = Compare(Straight(0, 50), Straight(0, 50));

        Assert.Null(comparer.Next(long.MaxValue));
        Assert.Equal(50, comparer.Common);
        Assert.True(comparer.Ended);
    }

    [Fact]
    public void Next_InterruptOnOneSide_IsOnlyThere()
    {
        StreamComparer comparer = Compare([.. Straight(0, 20), .. Straight(1000, 30), .. Straight(20, 20)], Straight(0, 40));

        Difference? difference = comparer.Next(long.MaxValue);

        Assert.Equal((20, 30, 0, 19ul, 20ul), (difference?.Position, difference?.CountA, difference?.CountB, difference?.Site, difference?.Meets));
        Assert.Null(comparer.Next(long.MaxValue));
        Assert.Equal(40, comparer.Common);
    }

    [Fact]
    public void Next_LoopWithMoreRounds_TheyMeetBehindIt()
    {
        ulong[] round = Straight(100, 6);
        StreamComparer comparer = Compare(
            [.. Straight(0, 5), .. Times(round, 3), .. Straight(200, 20)],
            [.. Straight(0, 5), .. Times(round, 9), .. Straight(200, 20)]);

        Difference? difference = comparer.Next(long.MaxValue);

        Assert.Equal((0, 36, 200ul), (difference?.CountA, difference?.CountB, difference?.Meets));
        Assert.Null(comparer.Next(long.MaxValue));
    }

    [Fact]
    public void Next_OtherBranch_BothGoTheirWay()
    {
        StreamComparer comparer = Compare(
            [.. Straight(0, 5), .. Straight(100, 7), .. Straight(50, 10)], [.. Straight(0, 5), .. Straight(300, 12), .. Straight(50, 10)]);

        Difference? difference = comparer.Next(long.MaxValue);

        Assert.Equal((7, 12, 50ul), (difference?.CountA, difference?.CountB, difference?.Meets));
    }

    [Fact]
    public void Next_CommonRunTooShort_IsNoMeeting()
    {
        StreamComparer comparer = Compare(
            [.. Straight(0, 5), .. Straight(100, 7), .. Straight(500, Run - 1), .. Straight(120, 7), .. Straight(50, 10)],
            [.. Straight(0, 5), .. Straight(300, 7), .. Straight(500, Run - 1), .. Straight(320, 7), .. Straight(50, 10)]);

        Assert.Equal(50ul, comparer.Next(long.MaxValue)?.Meets);
    }

    [Fact]
    public void Next_NothingInCommon_SaysWhatBothDid()
    {
        StreamComparer comparer = Compare([.. Straight(0, 5), .. Straight(1000, 200)], [.. Straight(0, 5), .. Straight(5000, 200)]);

        Difference? difference = comparer.Next(long.MaxValue);

        Assert.Null(difference?.Meets);
        Assert.Equal((4ul, 1000ul, 5000ul), (difference?.Site, difference?.A[0], difference?.B[0]));
    }

    [Fact]
    public void TryAlign_FirmwareFirst_SkipsIt()
    {
        StreamComparer comparer = Compare(Straight(100, 20), [.. Straight(7000, 300), .. Straight(100, 20)]);

        Assert.True(comparer.TryAlign());
        Assert.Null(comparer.Next(long.MaxValue));
        Assert.Equal(20, comparer.Common);
    }

    [Fact]
    public void Next_AnyStreams_EveryAddressIsCommonOrInADifference()
    {
        Gen.Select(Gen.ULong[0, 12].Array[0, 80], Gen.ULong[0, 12].Array[0, 80]).Sample((a, b) =>
        {
            var ours = new Lookahead(new Addresses(a));
            var theirs = new Lookahead(new Addresses(b));
            var comparer = new StreamComparer(ours, theirs, Run, Window);
            long onlyOurs = 0, onlyTheirs = 0;
            while (comparer.Next(long.MaxValue) is { } difference)
            {
                Assert.NotNull(difference.Meets);
                onlyOurs += difference.CountA;
                onlyTheirs += difference.CountB;
            }

            Assert.True(comparer.Ended);
            Assert.Equal(ours.Position, comparer.Common + onlyOurs);
            Assert.Equal(theirs.Position, comparer.Common + onlyTheirs);
        });
    }

    [Fact]
    public void TryNext_LogOfQemu_RepeatsCountOnceAndStoppedNot()
    {
        string log = $"""
            {Trace(0x10)}
            {Trace(0x12)}
            {Trace(0x12)}
            {Trace(0x14)}
            Stopped execution of TB chain before 0x7f0000000000 [0000000000000014]
            {Trace(0x99)}
            {Trace(0x14)}
            cut in the mid
            """;

        Assert.Equal([0x10ul, 0x12, 0x99, 0x14], All(log, LogFormat.Qemu));

        static string Trace(ulong at) => $"Trace 0: 0x7fdea0000100 [00000000ffff0000/{at:x16}/00000040/ff020201] ";
    }

    [Fact]
    public void TryNext_LogOfOurs_FirstWordOfLines() =>
        Assert.Equal([0xffffffff81000000ul, 0xffffffff81000005], All("ffffffff81000000 98a2 0\nffffffff81000000 98a2 1\nffffffff81000005 98a2 2\nffff", LogFormat.Bulkhead));

    private static List<ulong> All(string log, LogFormat format)
    {
        using var stream = new MemoryStream(Encoding.ASCII.GetBytes(log));
        var source = new LogSource(stream, format);
        var all = new List<ulong>();
        while (source.TryNext(out ulong address))
        {
            all.Add(address);
        }

        return all;
    }

    private static StreamComparer Compare(ulong[] a, ulong[] b) => new(new Lookahead(new Addresses(a)), new Lookahead(new Addresses(b)), Run, Window);

    private static ulong[] Straight(ulong start, int count) => [.. Enumerable.Range(0, count).Select(i => start + (ulong)i)];

    private static IEnumerable<ulong> Times(ulong[] round, int times) => Enumerable.Range(0, times).SelectMany(_ => round);

    private sealed class Addresses(ulong[] all) : IAddressSource
    {
        private int _at;

        public bool TryNext(out ulong address)
        {
            address = _at < all.Length ? all[_at] : 0;
            return _at++ < all.Length;
        }
    }
}
