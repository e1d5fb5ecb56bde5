using Iced.Intel;

namespace Bulkhead.Translator.Tests.Differential;

/// <summary>Runs cases on the oracle and on an engine and collects what they disagree in.</summary>
internal static class DifferentialRun
{
    /// <summary>One case of every row for each number, of the rows <paramref name="wanted"/> says.</summary>
    /// <returns>The differences, at most <paramref name="limit"/>, each with the line that reproduces it.</returns>
    internal static List<string> Compare(ITranslatedRunner oracle, ITranslatedRunner subject, int firstSeed, int seeds, Predicate<Code> wanted, int limit = 20)
    {
        var differences = new List<string>();
        for (int seed = firstSeed; seed < firstSeed + seeds; seed++)
        {
            foreach (Code code in CaseRows.All)
            {
                if (!wanted(code))
                {
                    continue;
                }

                Case value = CaseGenerator.Create(seed, code);
                if (Comparison.Difference(value, oracle.Run(value), subject.Run(value)) is { } difference)
                {
                    differences.Add(difference);
                    if (differences.Count == limit)
                    {
                        return differences;
                    }
                }
            }
        }

        return differences;
    }
}
