using System.Text;

namespace Bulkhead.House.Tests;

/// <summary>C# source with the contents of comments, strings and characters blanked, so that only code is left to look at.</summary>
internal static class SourceText
{
    internal static string CodeOf(string source)
    {
        var code = new StringBuilder(source.Length);
        int i = 0;
        while (i < source.Length)
        {
            int end = EndOfNonCode(source, i);
            if (end == i)
            {
                code.Append(source[i++]);
                continue;
            }

            for (; i < end; i++)
            {
                code.Append(source[i] == '\n' ? '\n' : ' ');
            }
        }

        return code.ToString();
    }

    private static int EndOfNonCode(string s, int i)
    {
        if (At(s, i, "//"))
        {
            return EndOf(s, i, "\n", 0);
        }

        if (At(s, i, "/*"))
        {
            return EndOf(s, i + 2, "*/", 2);
        }

        if (At(s, i, "\"\"\""))
        {
            int quotes = 3;
            while (At(s, i + quotes, "\""))
            {
                quotes++;
            }

            return EndOf(s, i + quotes, new string('"', quotes), quotes);
        }

        if (At(s, i, "@\"") || At(s, i, "$@\"") || At(s, i, "@$\""))
        {
            return EndOfVerbatim(s, s.IndexOf('"', i) + 1);
        }

        if (s[i] == '"' || (s[i] == '\'' && IsCharacter(s, i)))
        {
            return EndOfQuoted(s, i + 1, s[i]);
        }

        return i;
    }

    // A lone apostrophe stands in no C# code but that of a character.
    private static bool IsCharacter(string s, int i) => i + 2 < s.Length && (s[i + 1] == '\\' || s[i + 2] == '\'' || char.IsSurrogate(s[i + 1]));

    private static int EndOfQuoted(string s, int i, char quote)
    {
        while (i < s.Length && s[i] != quote && s[i] != '\n')
        {
            i += s[i] == '\\' ? 2 : 1;
        }

        return Math.Min(i + 1, s.Length);
    }

    private static int EndOfVerbatim(string s, int i)
    {
        while (i < s.Length)
        {
            if (s[i] == '"')
            {
                if (!At(s, i + 1, "\""))
                {
                    return i + 1;
                }

                i++;
            }

            i++;
        }

        return s.Length;
    }

    private static int EndOf(string s, int from, string mark, int include)
    {
        int at = from < s.Length ? s.IndexOf(mark, from, StringComparison.Ordinal) : -1;
        return at < 0 ? s.Length : at + include;
    }

    private static bool At(string s, int i, string text) => string.CompareOrdinal(s, i, text, 0, text.Length) == 0;
}
