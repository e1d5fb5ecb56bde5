using System.Globalization;
using Bulkhead.X86.State;
using Xunit;

namespace Bulkhead.Machine.Tests.Repeat;

/// <summary>On a clock made of instructions a boot is the same every time, whatever the engine's settings.</summary>
public sealed class RepeatTests
{
    private const ulong Interval = 1_000_000;
    private const string Task = "nokaslr bulkhead.task=script";

    /// <summary>Settings that translate otherwise, but must not be told apart by the guest.</summary>
    private const string Plain = "chain=off,jump-cache=off,return-stack=off,flag-lookahead=off,inline-system=off,shared-checks=off,relative-code=off,max-block=4";

    /// <summary>How far: <c>BULKHEAD_REPEAT_MILLIONS</c> of instructions.</summary>
    private static int Length =>
        int.TryParse(Environment.GetEnvironmentVariable("BULKHEAD_REPEAT_MILLIONS"), CultureInfo.InvariantCulture, out int n) ? n : 150;

    [Fact]
    public void Boot_TwiceFromTheStoreWithWindowsAndOnPlainSettings_SameStateEveryMillionInstructions()
    {
        var boot = new CountedBoot(Task, string.Empty);
        using var store = new TemporaryFolder();
        var again = new CountedBoot(Task, string.Empty, store.Path);
        var stored = new CountedBoot(Task, string.Empty, store.Path);
        var windows = new CountedBoot(Task, "page-windows=always");
        var plain = new CountedBoot(Task, Plain);
        (List<ulong> hashes, ulong memory) = Hashes(boot);
        Assert.Equal(memory, AssertSame(boot, again, hashes));
        Assert.Equal(memory, AssertSame(boot, stored, hashes));
        Assert.InRange(stored.Translated, 0, again.Translated / 8);
        Assert.InRange(stored.Loaded, again.Translated / 2, long.MaxValue);
        Assert.Equal(memory, AssertSame(boot, windows, hashes));
        Assert.Equal(memory, AssertSame(boot, plain, hashes));
    }

    [Fact]
    public void FirstDivergence_OtherCommandLine_IsTheFirstInstructionThatSeesIt()
    {
        var boot = new CountedBoot("one", string.Empty);
        var other = new CountedBoot("longer", string.Empty);
        (ulong at, string words) = FirstDivergence.Find(boot, other, 0, 100 * Interval);
        Assert.Contains("rip", words, StringComparison.Ordinal);
        Assert.Equal(HashAt(boot, at - 1), HashAt(other, at - 1));
        Assert.NotEqual(HashAt(boot, at), HashAt(other, at));
    }

    private static ulong HashAt(CountedBoot boot, ulong instruction)
    {
        ulong hash = 0;
        _ = boot.Run(instruction, 1, (_, vcpu) =>
        {
            hash = StateHash.Of(in vcpu.Registers);
            return false;
        });
        return hash;
    }

    private static (List<ulong> Hashes, ulong Memory) Hashes(CountedBoot boot)
    {
        var hashes = new List<ulong>();
        (_, ulong memory) = boot.Run(Interval, Interval, (_, vcpu) =>
        {
            hashes.Add(StateHash.Of(in vcpu.Registers));
            return hashes.Count < Length;
        });
        return (hashes, memory);
    }

    private static ulong AssertSame(CountedBoot boot, CountedBoot other, List<ulong> expected)
    {
        (List<ulong> actual, ulong memory) = Hashes(other);
        int same = expected.Zip(actual).TakeWhile(static p => p.First == p.Second).Count();
        Assert.True(same == expected.Count, same == expected.Count ? "" : FirstDivergence.Find(boot, other, (ulong)same * Interval, Interval).Words);
        Assert.Equal(expected.Count, actual.Count);
        return memory;
    }
}
