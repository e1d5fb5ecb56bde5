using Iced.Intel;

namespace Bulkhead.Translator.Tests.Differential;

/// <summary>Runs cases on the oracle and on an engine and collects what they disagree in.</summary>
internal static class DifferentialRun
{
    /// <summary>One case of every row for each number, of the rows <paramref name="wanted"/> says.</summary>
    internal static IEnumerable<Case> Rows(int firstSeed, int seeds, Predicate<Code> wanted)
    {
        Code[] codes = [.. CaseRows.All.Where(c => wanted(c))];
        return Enumerable.Range(firstSeed, seeds).SelectMany(seed => codes.Select(code => CaseGenerator.Create(seed, code)));
    }

    /// <summary>Sequences of the rows <paramref name="wanted"/> says.</summary>
    internal static IEnumerable<Case> Sequences(int firstSeed, int count, Predicate<Code> wanted) =>
        Enumerable.Range(firstSeed, count).Select(seed => CaseGenerator.CreateSequence(seed, wanted));

    /// <summary>Runs cases on both.</summary>
    /// <returns>The differences, at most <paramref name="limit"/>, each with the line that reproduces it.</returns>
    internal static List<string> Compare(ITranslatedRunner oracle, ITranslatedRunner subject, IEnumerable<Case> cases, int limit = 20)
    {
        var differences = new List<string>();
        foreach (Case value in cases)
        {
            if (Comparison.Difference(value, oracle.Run(value), subject.Run(value)) is { } difference)
            {
                differences.Add(difference);
                if (differences.Count == limit)
                {
                    break;
                }
            }
        }

        return differences;
    }
}
