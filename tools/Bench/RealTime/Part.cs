using System.Text.Json.Nodes;

namespace Bulkhead.Tools.Bench.RealTime;

/// <summary>One thing that is measured.</summary>
/// <param name="Name">Its name; the key of its result.</param>
/// <param name="What">What it is, in a sentence.</param>
/// <param name="Measure">Measures it; throws <see cref="BenchException"/> where that is not possible.</param>
internal sealed record Part(string Name, string What, Func<Bed, JsonObject> Measure)
{
    /// <summary>Measures it and adds what went on around it.</summary>
    internal JsonObject Run(Bed bed)
    {
        Surroundings before = Surroundings.Look(bed.Cpu);
        JsonObject result = Measure(bed with { Part = Name });
        result["name"] = Name;
        result["what"] = What;
        Surroundings.Look(bed.Cpu).AddTo(result, before);
        return result;
    }
}
