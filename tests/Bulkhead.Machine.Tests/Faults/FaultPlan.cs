namespace Bulkhead.Machine.Tests.Faults;

/// <summary>What a seed stands for.</summary>
internal sealed class FaultPlan
{
    private const int Earliest = 500;
    private const int Latest = 55_000; // no work ends sooner, even if nobody else runs

    internal FaultPlan(int seed)
    {
        Seed = seed;
        Random = new Random(seed);
        FaultKind[] kinds = Enum.GetValues<FaultKind>();
        Work[] works = Enum.GetValues<Work>();

        // All kinds in turn, so that a few dozen seeds have each.
        Kind = kinds[seed % kinds.Length];
        Work = works[Random.Next(works.Length)];
        if (Kind == FaultKind.FlippedPageTables)
        {
            Work = Random.Next(2) == 0 ? Work.Paging : Work.LongMode;
        }

        At = (ulong)Random.Next(Earliest, Latest);
    }

    internal int Seed { get; }

    internal FaultKind Kind { get; }

    internal Work Work { get; }

    /// <summary>After how many instructions of all domains.</summary>
    internal ulong At { get; }

    /// <summary>What else is left to chance.</summary>
    internal Random Random { get; }

    public override string ToString() => $"seed {Seed}: {Kind} in {Work} after {At} instructions";
}
