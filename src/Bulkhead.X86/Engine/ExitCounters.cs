namespace Bulkhead.X86.Engine;

/// <summary>How often a vCPU left guest mode, per reason.</summary>
/// <remarks><i>Threading</i>: counted by the vCPU's thread, read by any.</remarks>
public sealed class ExitCounters
{
    /// <summary>One more than the largest reason.</summary>
    public const int Size = 192;

    private readonly long[] _counts = new long[Size];

    /// <summary>The count of one reason.</summary>
    public long this[ExitReason reason] => Volatile.Read(ref _counts[(int)reason]);

    /// <summary>The sum over the reasons a hypervisor would count (below 128).</summary>
    public long Total
    {
        get
        {
            long sum = 0;
            for (int i = 0; i < 128; i++)
            {
                sum += Volatile.Read(ref _counts[i]);
            }

            return sum;
        }
    }

    /// <summary>Counts one exit.</summary>
    public void Add(ExitReason reason) => _counts[(int)reason]++;
}
