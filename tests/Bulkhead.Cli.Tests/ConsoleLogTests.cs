using System.Text;
using Bulkhead.Cli.Systems;
using Xunit;

namespace Bulkhead.Cli.Tests;

public sealed class ConsoleLogTests
{
    [Fact]
    public void Read_TwoReaders_EachGetsAll()
    {
        var log = new ConsoleLog(16);
        log.Write("hello "u8);
        log.Write("world"u8);

        Assert.Equal(("hello world", "world"), (Read(log, 0), Read(log, 6)));
    }

    [Fact]
    public void Read_TooSlow_GoesOnAtTheOldest()
    {
        var log = new ConsoleLog(8);
        log.Write("0123456789abcdefghij"u8);

        Assert.Equal("cdefghij", Read(log, 0));
    }

    [Theory]
    [InlineData("a\nb\nc\n", 1, "c\n")]
    [InlineData("a\nb\nc\n", 2, "b\nc\n")]
    [InlineData("a\nb\nc", 1, "c")]
    [InlineData("a\nb\nc", 2, "b\nc")]
    [InlineData("a\nb\n", 9, "a\nb\n")]
    [InlineData("", 3, "")]
    [InlineData("a\nb\n", 0, "")]
    public void StartOfLast_Lines(string text, int lines, string expected)
    {
        var log = new ConsoleLog(64);
        log.Write(Encoding.UTF8.GetBytes(text));

        Assert.Equal(expected, Read(log, log.StartOfLast(lines)));
    }

    [Fact]
    public void Read_WhileWritten_NeverTears()
    {
        // Bytes count up, so that whatever a reader gets in one go must count up too.
        var log = new ConsoleLog(256);
        const int Total = 4_000_000;
        var writer = new Thread(() =>
        {
            byte[] part = new byte[37];
            for (int at = 0; at < Total; at += part.Length)
            {
                for (int i = 0; i < part.Length; i++)
                {
                    part[i] = (byte)(at + i);
                }

                log.Write(part);
            }
        });
        writer.Start();
        long position = 0;
        byte[] chunk = new byte[64];
        while (writer.IsAlive || log.End > position)
        {
            int count = log.Read(ref position, chunk);
            for (int i = 0; i < count; i++)
            {
                Assert.Equal((byte)(position - count + i), chunk[i]);
            }
        }

        writer.Join();
    }

    [Theory]
    [InlineData("abab", "xababab", true)]
    [InlineData("aab", "aaaab", true)]
    [InlineData("login: ", "\r\nbox login: ", true)]
    [InlineData("ready", "read", false)]
    [InlineData("abcabd", "abcabcabd", true)]
    public void Matcher_ByteByByte_Finds(string words, string text, bool found)
    {
        var matcher = new TextMatcher(words);
        foreach (byte b in Encoding.UTF8.GetBytes(text))
        {
            matcher.Feed([b]);
        }

        Assert.Equal(found, matcher.Found);
    }

    [Theory]
    [InlineData("plain\r\n", "plain")]
    [InlineData("\u001b[31mred\u001b[0m\n", "red")]
    [InlineData("\u001b]0;title\u0007after\n", "after")]
    [InlineData("\u001b]0;title\u001b\\after\n", "after")]
    [InlineData("\u001bP1;evil\u001b\\x\n", "x")]
    [InlineData("a\u009b31mb\tc\u007f\n", "a31mb\tc")]
    [InlineData("\u001b[\nnext\n", "|next")]
    public void Lines_OfAGuest_CannotDriveATerminal(string text, string expected)
    {
        var log = new ConsoleLog();
        log.Write(Encoding.UTF8.GetBytes(text));
        var lines = new List<string>();
        new GuestLines(log, lines.Add).Drain();

        Assert.Equal(expected, string.Join('|', lines));
    }

    private static string Read(ConsoleLog log, long position)
    {
        byte[] all = new byte[1024];
        return Encoding.UTF8.GetString(all, 0, log.Read(ref position, all));
    }
}
