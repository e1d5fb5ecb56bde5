using CsCheck;
using Xunit;

namespace Bulkhead.Scheduling.Tests;

public sealed class BvtOperationsTests
{
    private const int Vcpus = 5;

    // What a real worker may do in any order, migration, pauses and live changes included: no bound holds across these,
    // but nothing may be lost, nobody picked who cannot run, and nobody kept from the pCPU for ever.
    [Fact]
    public void Pick_AnyOperations_StaysConsistent() =>
        Gen.Select(Gen.Int[0, 8], Gen.Int[0, Vcpus - 1], Gen.Long[1, 100_000]).Array[1, 200].Sample(
            operations =>
            {
                BvtQueue[] queues = [new(1_000, capacity: 1), new(50)];
                var places = new (int Queue, int Slot)[Vcpus];
                var ran = new long[Vcpus];
                long now = 0;
                for (int i = 0; i < Vcpus; i++)
                {
                    places[i] = (i % 2, queues[i % 2].Add(Parameters(i * 7_919)));
                }

                foreach ((int operation, int vcpu, long argument) in operations)
                {
                    (int at, int slot) = places[vcpu];
                    BvtQueue queue = queues[at];
                    switch (operation)
                    {
                        case 0:
                            queue.Block(slot, BlockKind.Voluntary);
                            break;
                        case 1:
                            queue.Block(slot, BlockKind.Involuntary);
                            break;
                        case 2:
                            places[vcpu] = (1 - at, Migrate(queue, slot, queues[1 - at]));
                            break;
                        case 3:
                            queue.Change(slot, Parameters(argument));
                            break;
                        case 4 or 5:
                            queue.Wake(slot);
                            break;
                        default:
                            now += Turn(queue, at, places, ran, now, argument);
                            break;
                    }
                }

                for (int i = 0; i < Vcpus; i++)
                {
                    Assert.Equal(ran[i], queues[places[i].Queue].RanNs(places[i].Slot));
                }
            },
            iter: RandomSchedule.Count,
            threads: 1);

    private static int Migrate(BvtQueue from, int slot, BvtQueue to)
    {
        bool runnable = from.IsRunnable(slot);
        Int128 lag = from.Actual(slot) - from.Svt;
        Int128 svt = to.Svt;
        int there = to.Attach(from.Detach(slot));
        Assert.Equal(lag, to.Actual(there) - svt);
        Assert.Equal(runnable, to.IsRunnable(there));
        return there;
    }

    private static long Turn(
        BvtQueue queue, int at, (int Queue, int Slot)[] places, long[] ran, long now, long most)
    {
        QueuePick pick = queue.Pick(now);
        int vcpu = Array.FindIndex(places, place => place == (at, pick.Slot));
        if (!pick.Found)
        {
            Assert.DoesNotContain(places, place => place.Queue == at && queue.IsRunnable(place.Slot));
            return 0;
        }

        Assert.True(pick.BudgetNs >= 1 && queue.IsRunnable(pick.Slot) && queue.Running == pick.Slot);
        long length = Math.Min(pick.BudgetNs, most);
        queue.Charge(length, now + length);
        ran[vcpu] += length;
        return length;
    }

    private static BvtParameters Parameters(long seed) => new()
    {
        Weight = 1 + (int)(seed % 97),
        WarpNs = seed % 3 == 0 ? 0 : seed % 50_021,
        WarpLimitNs = seed % 4 == 0 ? 0 : seed % 4_003,
        UnwarpNs = seed % 5 == 0 ? 0 : seed % 9_001,
        WarpDisabled = seed % 11 == 0,
    };
}
