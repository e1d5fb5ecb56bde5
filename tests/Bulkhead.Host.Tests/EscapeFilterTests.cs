using System.Text;
using Bulkhead.Host.Terminal;
using CsCheck;
using Xunit;

namespace Bulkhead.Host.Tests;

public sealed class EscapeFilterTests
{
    [Theory]
    [InlineData("ls\r", "ls\r", EscapeCommand.None, "")]
    [InlineData("a\u0001xb", "a", EscapeCommand.End, "b")]
    [InlineData("\u0001h", "", EscapeCommand.Help, "")]
    [InlineData("\u0001?q", "", EscapeCommand.Help, "q")]
    [InlineData("\u0001\u0001x", "\u0001x", EscapeCommand.None, "")]
    [InlineData("\u0001c", "\u0001c", EscapeCommand.None, "")]
    [InlineData("größe €😀", "größe €😀", EscapeCommand.None, "")]
    public void Filter_Input_PassesAllButCommands(string input, string expected, EscapeCommand command, string rest)
    {
        var filter = default(EscapeFilter);
        byte[] bytes = Encoding.UTF8.GetBytes(input);
        byte[] output = new byte[bytes.Length + 1];

        int written = filter.Filter(bytes, output, out int consumed, out EscapeCommand found);

        Assert.Equal(expected, Encoding.UTF8.GetString(output, 0, written));
        Assert.Equal(command, found);
        Assert.Equal(rest, Encoding.UTF8.GetString(bytes, consumed, bytes.Length - consumed));
    }

    [Fact]
    public void Filter_PrefixAtTheEnd_WaitsForTheNextCall()
    {
        var filter = default(EscapeFilter);
        byte[] output = new byte[2];

        int first = filter.Filter([1], output, out _, out EscapeCommand none);
        int second = filter.Filter("x"u8, output, out _, out EscapeCommand end);

        Assert.Equal((0, 0, EscapeCommand.None, EscapeCommand.End), (first, second, none, end));
    }

    [Fact]
    public void Filter_AnyBytesInAnyPieces_GivesTheSame() =>
        Gen.Select(Gen.Int[0, 4].Select(i => "\u0001xha€"[i]).Array[0, 40], Gen.Int[1, 7]).Sample((text, piece) =>
        {
            byte[] input = Encoding.UTF8.GetBytes(text);
            Assert.Equal(Run(input, Math.Max(input.Length, 1)), Run(input, piece));
        });

    private static string Run(byte[] input, int piece)
    {
        var filter = default(EscapeFilter);
        var seen = new StringBuilder();
        for (int at = 0; at < input.Length;)
        {
            ReadOnlySpan<byte> part = input.AsSpan(at, Math.Min(piece, input.Length - at));
            byte[] output = new byte[part.Length + 1];
            int written = filter.Filter(part, output, out int consumed, out EscapeCommand command);
            seen.Append(Convert.ToHexString(output, 0, written)).Append(command == EscapeCommand.None ? string.Empty : command.ToString());
            at += consumed;
        }

        return seen.ToString();
    }
}
