namespace Bulkhead.Tools.Divergence;

/// <summary>A place where two streams part, and what each does until they meet again.</summary>
/// <param name="Position">How many addresses were the same, in the first stream's count.</param>
/// <param name="Before">The last addresses both had.</param>
/// <param name="CountA">How many addresses only the first stream has.</param>
/// <param name="CountB">How many addresses only the second stream has.</param>
/// <param name="A">The first of them, and what follows where they are few.</param>
/// <param name="B">The same of the second stream.</param>
/// <param name="Meets">Where both go on; null where they do not meet within the window.</param>
internal sealed record Difference(long Position, ulong[] Before, int CountA, int CountB, ulong[] A, ulong[] B, ulong? Meets)
{
    /// <summary>The instruction after which they part.</summary>
    internal ulong Site => Before.Length > 0 ? Before[^1] : 0;
}
