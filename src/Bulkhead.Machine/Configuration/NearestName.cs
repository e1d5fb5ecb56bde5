namespace Bulkhead.Machine.Configuration;

/// <summary>Finds the name an operator most likely meant.</summary>
internal static class NearestName
{
    /// <summary>The candidate with the fewest edits, or null where none is within a third of the length (at least two).</summary>
    public static string? Find(string name, IEnumerable<string> candidates)
    {
        string? best = null;
        int least = int.MaxValue;
        foreach (string candidate in candidates)
        {
            int edits = Edits(name.ToUpperInvariant(), candidate.ToUpperInvariant());
            if (edits < least && edits <= Math.Max(2, candidate.Length / 3) && edits < candidate.Length)
            {
                (best, least) = (candidate, edits);
            }
        }

        return best;
    }

    // Levenshtein over one row, a swap of neighbours counting as two.
    private static int Edits(string from, string to)
    {
        int[] row = [.. Enumerable.Range(0, to.Length + 1)];
        foreach (char letter in from)
        {
            int diagonal = row[0]++;
            for (int i = 1; i < row.Length; i++)
            {
                int replaced = diagonal + (letter == to[i - 1] ? 0 : 1);
                diagonal = row[i];
                row[i] = Math.Min(replaced, Math.Min(row[i - 1], row[i]) + 1);
            }
        }

        return row[^1];
    }
}
