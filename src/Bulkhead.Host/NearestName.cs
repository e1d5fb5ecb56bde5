namespace Bulkhead.Host;

/// <summary>Finds the name an operator most likely meant; stands beside <see cref="OperatorException"/>, whose messages use it.</summary>
public static class NearestName
{
    /// <summary>The candidate closest to <paramref name="name"/>, or null where none is close.</summary>
    /// <remarks>Close is: at most one edit in three letters (but one is always allowed), and not every letter. Case does not count.</remarks>
    public static string? Find(string name, IEnumerable<string> candidates)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(candidates);
        string? best = null;
        int bestDistance = int.MaxValue;
        foreach (string candidate in candidates)
        {
            int distance = Distance(name.ToUpperInvariant(), candidate.ToUpperInvariant());
            int longest = Math.Max(name.Length, candidate.Length);
            if (distance < bestDistance && distance < longest && distance <= Math.Max(1, longest / 3))
            {
                best = candidate;
                bestDistance = distance;
            }
        }

        return best;
    }

    /// <summary>The number of letters to insert, delete, replace or swap with a neighbour to turn one word into the other.</summary>
    internal static int Distance(string a, string b)
    {
        int[,] d = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            d[i, 0] = i;
        }

        for (int j = 0; j <= b.Length; j++)
        {
            d[0, j] = j;
        }

        for (int i = 1; i <= a.Length; i++)
        {
            for (int j = 1; j <= b.Length; j++)
            {
                int cost = a[i - 1] == b[j - 1] ? 0 : 1;
                int least = Math.Min(Math.Min(d[i - 1, j] + 1, d[i, j - 1] + 1), d[i - 1, j - 1] + cost);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    least = Math.Min(least, d[i - 2, j - 2] + 1);
                }

                d[i, j] = least;
            }
        }

        return d[a.Length, b.Length];
    }
}
