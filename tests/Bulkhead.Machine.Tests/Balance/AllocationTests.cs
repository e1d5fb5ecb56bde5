using Bulkhead.Machine.Workers;
using Xunit;

namespace Bulkhead.Machine.Tests.Balance;

public sealed class AllocationTests
{
    [Fact]
    public void Moves_OfThousands_AllocateNothingOnWorkers()
    {
        using var pool = new RestlessPool(2);
        pool.Add(2, share: RestlessPool.Urgent);
        pool.Add(1, busy: true);
        pool.Add(2, busy: true, RestlessPool.Urgent);
        pool.Start();
        Assert.True(RestlessPool.Await(() => pool.Moves > 200));
        long[] before = Allocated(pool);
        long moves = pool.Moves;
        Assert.True(RestlessPool.Await(() => pool.Moves > moves + 500));

        Assert.Equal(before, Allocated(pool));
    }

    // The answer itself is made on the thread that asks.
    private static long[] Allocated(RestlessPool pool)
    {
        long[] bytes = new long[pool.Workers.Count];
        for (int i = 0; i < bytes.Length; i++)
        {
            int at = i;
            using var done = new ManualResetEventSlim();
            pool.Workers[i].Post(() =>
            {
                bytes[at] = GC.GetAllocatedBytesForCurrentThread();
                done.Set();
            });
            done.Wait();
        }

        return bytes;
    }
}
