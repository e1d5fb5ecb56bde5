namespace Bulkhead.Tools.Divergence;

/// <summary>Compares two streams of addresses, and finds the way back to common ones where they part.</summary>
/// <remarks>They meet again at the nearest pair of places from which a run of addresses is the same in both: nearest is
/// where the farther of the two places is least far ahead.</remarks>
internal sealed class StreamComparer
{
    private const ulong Multiplier = 0x9E37_79B9_7F4A_7C15;
    private const int Context = 48;

    private readonly Lookahead _a;
    private readonly Lookahead _b;
    private readonly int _run;
    private readonly int _window;
    private readonly ulong _power = 1;
    private readonly Queue<ulong> _before = new();

    /// <param name="a">The first stream.</param>
    /// <param name="b">The second stream.</param>
    /// <param name="run">How many common addresses in a row are a meeting.</param>
    /// <param name="window">How far ahead a meeting may lie on either side.</param>
    internal StreamComparer(Lookahead a, Lookahead b, int run, int window)
    {
        _a = a;
        _b = b;
        _run = run;
        _window = window;
        for (int i = 0; i < run; i++)
        {
            _power *= Multiplier;
        }
    }

    /// <summary>How many addresses were the same.</summary>
    internal long Common { get; private set; }

    /// <summary>Whether a stream ended.</summary>
    internal bool Ended { get; private set; }

    /// <summary>Takes the second stream on to where the first one starts; false where it does not come there.</summary>
    internal bool TryAlign()
    {
        ulong[] start = _a.Copy(0, _run);
        while (start.Length == _run && _b.TryPeek(_run - 1, out _))
        {
            int same = 0;
            while (same < _run && _b.TryPeek(same, out ulong address) && address == start[same])
            {
                same++;
            }

            if (same == _run)
            {
                return true;
            }

            _b.Advance(1);
        }

        return false;
    }

    /// <summary>Goes on to the next difference; null at the end of a stream, or once <paramref name="most"/> addresses were the same.</summary>
    internal Difference? Next(long most)
    {
        while (Common < most)
        {
            if (!_a.TryPeek(0, out ulong a) || !_b.TryPeek(0, out ulong b))
            {
                Ended = true;
                return null;
            }

            if (a != b)
            {
                return Part();
            }

            _a.Advance(1);
            _b.Advance(1);
            Common++;
            if (_before.Count == Context)
            {
                _ = _before.Dequeue();
            }

            _before.Enqueue(a);
        }

        return null;
    }

    private Difference? Part()
    {
        long position = _a.Position;
        if (Meet(out int i, out int j))
        {
            ulong[] onlyA = _a.Copy(0, Math.Min(i, Context));
            ulong[] onlyB = _b.Copy(0, Math.Min(j, Context));
            _a.Advance(i);
            _b.Advance(j);
            return new Difference(position, [.. _before], i, j, onlyA, onlyB, _a.Copy(0, 1)[0]);
        }

        if (!_a.TryPeek(_window, out _) || !_b.TryPeek(_window, out _))
        {
            Ended = true;
            return null;
        }

        return new Difference(position, [.. _before], _window, _window, _a.Copy(0, Context), _b.Copy(0, Context), null);
    }

    // Looks one place farther on both sides at a time, so the first common run is the nearest.
    private bool Meet(out int i, out int j)
    {
        var seenA = new Dictionary<ulong, int>();
        var seenB = new Dictionary<ulong, int>();
        ulong hashA = 0, hashB = 0;
        for (int end = 0; end < _window; end++)
        {
            bool inA = TryRoll(_a, end, ref hashA);
            bool inB = TryRoll(_b, end, ref hashB);
            int start = end - _run + 1;
            if (start < 0)
            {
                continue;
            }

            if (inA)
            {
                _ = seenA.TryAdd(hashA, start);
            }

            if (inB)
            {
                _ = seenB.TryAdd(hashB, start);
            }

            int besideA = int.MaxValue, besideB = int.MaxValue;
            if (inA && seenB.TryGetValue(hashA, out int inOther) && Same(start, inOther))
            {
                besideA = inOther;
            }

            if (inB && seenA.TryGetValue(hashB, out inOther) && Same(inOther, start))
            {
                besideB = inOther;
            }

            if (besideA != int.MaxValue || besideB != int.MaxValue)
            {
                (i, j) = besideA <= besideB ? (start, besideA) : (besideB, start);
                return true;
            }

            if (!inA && !inB)
            {
                break;
            }
        }

        (i, j) = (0, 0);
        return false;
    }

    private bool TryRoll(Lookahead stream, int end, ref ulong hash)
    {
        if (!stream.TryPeek(end, out ulong address))
        {
            return false;
        }

        hash = (hash + address + 1) * Multiplier;
        if (end >= _run && stream.TryPeek(end - _run, out ulong old))
        {
            hash -= (old + 1) * _power * Multiplier;
        }

        return true;
    }

    private bool Same(int i, int j)
    {
        for (int n = 0; n < _run; n++)
        {
            if (!_a.TryPeek(i + n, out ulong a) || !_b.TryPeek(j + n, out ulong b) || a != b)
            {
                return false;
            }
        }

        return true;
    }
}
