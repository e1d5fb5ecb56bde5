using Bulkhead.Host.Files.Trees;

namespace Bulkhead.Host.Files;

/// <summary>How many files and sockets all guests together make this process have open: half of what it may, the rest is its own.</summary>
/// <param name="most">The most at a time.</param>
/// <remarks>Whoever opens for a guest looks whether it is spent, and takes of it then; so there may be a few more, as many as do it at once.
/// <i>Threading</i>: any.</remarks>
public sealed class DescriptorBudget(long most)
{
    private const long Least = 64;

    private long _taken;

    /// <summary>Whether nothing is left.</summary>
    public bool IsSpent => Interlocked.Read(ref _taken) >= most;

    /// <summary>That of this process.</summary>
    public static DescriptorBudget OfProcess() => new(Math.Max(DescriptorLimit.Most / 2, Least));

    /// <summary>One is open.</summary>
    public void Take() => Interlocked.Increment(ref _taken);

    /// <summary>One is closed.</summary>
    public void Return() => Interlocked.Decrement(ref _taken);
}
