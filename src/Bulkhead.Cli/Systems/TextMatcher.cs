using System.Text;

namespace Bulkhead.Cli.Systems;

/// <summary>Finds words in a stream of bytes, also across the pieces it comes in and without waiting for the end of a line.</summary>
/// <remarks><i>Threading</i>: <see cref="Feed"/> on one thread at a time; <see cref="Found"/> from any. <i>Source</i>: Knuth, Morris, Pratt,
/// "Fast Pattern Matching in Strings", SIAM J. Comput. 6(2), 1977.</remarks>
internal sealed class TextMatcher
{
    private readonly byte[] _words;

    // How much of the words is still matched when the byte behind the first n of them does not fit.
    private readonly int[] _back;
    private int _matched;
    private volatile bool _found;

    internal TextMatcher(string words)
    {
        _words = Encoding.UTF8.GetBytes(words);
        _back = new int[_words.Length + 1];
        for (int i = 1, k = 0; i < _words.Length; i++)
        {
            while (k > 0 && _words[i] != _words[k])
            {
                k = _back[k];
            }

            k += _words[i] == _words[k] ? 1 : 0;
            _back[i + 1] = k;
        }
    }

    /// <summary>Whether the words came.</summary>
    internal bool Found => _found;

    /// <summary>Looks at the next bytes.</summary>
    internal void Feed(ReadOnlySpan<byte> data)
    {
        if (_found)
        {
            return;
        }

        int matched = _matched;
        foreach (byte b in data)
        {
            while (matched > 0 && _words[matched] != b)
            {
                matched = _back[matched];
            }

            matched += _words[matched] == b ? 1 : 0;
            if (matched == _words.Length)
            {
                _found = true;
                return;
            }
        }

        _matched = matched;
    }
}
