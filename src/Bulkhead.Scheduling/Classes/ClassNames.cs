namespace Bulkhead.Scheduling.Classes;

/// <summary>What the classes of a vCPU are called, the most urgent first.</summary>
public sealed record ClassNames(IReadOnlyList<string> Names)
{
    /// <summary>What being in no class is called.</summary>
    public const string Base = "base";

    /// <summary>Of a vCPU without classes.</summary>
    public static readonly ClassNames None = new([]);

    /// <summary>How many there are.</summary>
    public int Count => Names.Count;

    /// <summary>The name of a class, counted from 1; else of being in none.</summary>
    public string this[int place] => place > 0 && place <= Names.Count ? Names[place - 1] : Base;
}
