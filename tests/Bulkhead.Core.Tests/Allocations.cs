namespace Bulkhead.Core.Tests;

/// <summary>What a piece of code takes of managed memory.</summary>
internal static class Allocations
{
    private const int Rounds = 5;

    /// <summary>The least bytes a round takes on this thread, of up to five, after one that does not count.</summary>
    /// <remarks>The runtime allocates on any thread now and then, as where it makes code better; what the code itself takes is there every time.</remarks>
    /// <param name="round">The code; each round does the same.</param>
    internal static long LeastBytes(Action round)
    {
        round();
        long least = long.MaxValue;
        for (int i = 0; i < Rounds && least > 0; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            round();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
