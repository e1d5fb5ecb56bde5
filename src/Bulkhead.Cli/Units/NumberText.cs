namespace Bulkhead.Cli.Units;

/// <summary>Splits a number from the unit behind it.</summary>
internal static class NumberText
{
    /// <summary>The length of the number a text starts with.</summary>
    internal static int LengthIn(string text)
    {
        int length = 0;
        while (length < text.Length && (char.IsAsciiDigit(text[length]) || text[length] == '.'))
        {
            length++;
        }

        return length;
    }
}
