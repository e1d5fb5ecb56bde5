using Bulkhead.X86.Engine;
using Xunit;

namespace Bulkhead.Machine.Tests.Repeat;

/// <summary>What an engine does more than it must shows in its counters, without a clock.</summary>
public sealed class CeilingTests
{
    private const ulong Instructions = 400_000_000;

    [Fact]
    public void Boot_OfSoManyInstructions_StaysUnderTheRecordedCounts()
    {
        var counts = new Dictionary<ExitReason, long>();
        _ = new CountedBoot("nokaslr bulkhead.task=script", string.Empty).Run(Instructions, Instructions, (_, vcpu) =>
        {
            foreach (ExitReason reason in Enum.GetValues<ExitReason>())
            {
                counts[reason] = vcpu.Exits[reason];
            }

            return false;
        });

        // About a third above what was counted when they were recorded, on the processor that counted most.
        (ExitReason Reason, long Most)[] ceilings =
        [
            (ExitReason.BlockLookup, 145_000),
            (ExitReason.Translate, 80_000),
            (ExitReason.TlbMiss, 1_400_000),
            (ExitReason.Helper, 290_000),
            (ExitReason.CodeWrite, 2_000),
        ];
        Assert.Empty(ceilings.Where(c => counts[c.Reason] > c.Most).Select(c => $"{c.Reason}: {counts[c.Reason]}, at most {c.Most}"));
    }
}
