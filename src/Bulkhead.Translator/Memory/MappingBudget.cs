namespace Bulkhead.Translator.Memory;

/// <summary>How many mappings of the host the windows of a domain may still take.</summary>
/// <param name="mappings">All of them.</param>
internal sealed class MappingBudget(int mappings)
{
    private int _left = mappings;

    /// <summary>Takes one, if there is one.</summary>
    internal bool TryTake()
    {
        if (Interlocked.Decrement(ref _left) >= 0)
        {
            return true;
        }

        _ = Interlocked.Increment(ref _left);
        return false;
    }

    /// <summary>Gives some back.</summary>
    internal void Give(int mappings) => _ = Interlocked.Add(ref _left, mappings);
}
