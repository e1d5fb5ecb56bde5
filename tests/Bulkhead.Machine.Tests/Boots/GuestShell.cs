using System.Diagnostics;
using System.Text;
using Bulkhead.Machine.Domains;
using Xunit;

namespace Bulkhead.Machine.Tests.Boots;

/// <summary>Somebody who types at the shell of an image and reads what comes.</summary>
/// <remarks>What is typed is printed, too: words to wait for are typed with <c>""</c> in them.</remarks>
internal sealed class GuestShell
{
    private const int LongestMs = 300_000;
    private const string Prompt = "# ";

    private readonly StringBuilder _output = new();
    private int _seen;

    public string Text
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>Takes the serial output.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        lock (_output)
        {
            _output.Append(Encoding.UTF8.GetString(bytes));
        }
    }

    /// <summary>Types a line once the shell asks for one.</summary>
    public void Type(Domain domain, string line) => Answer(domain, Prompt, line);

    /// <summary>Types a line once some words came.</summary>
    public void Answer(Domain domain, string words, string line)
    {
        Await(words);
        byte[] bytes = Encoding.ASCII.GetBytes(line + "\n");
        for (int sent = 0; sent < bytes.Length; Thread.Sleep(1))
        {
            sent += domain.SendInput(bytes.AsSpan(sent));
        }
    }

    /// <summary>Types a line, waits until it is done, and gives what it printed.</summary>
    public string Run(Domain domain, string line)
    {
        Type(domain, $"{line}; echo DO\"\"NE");
        Await("\r\n"); // the line itself, which may be cut
        int from = _seen;
        Await("DONE");
        return Text[from.._seen];
    }

    /// <summary>Waits for words behind those that were waited for last, and does something meanwhile.</summary>
    public void Await(string words, Action? meanwhile = null)
    {
        long start = Stopwatch.GetTimestamp();
        int found;
        while ((found = Text.IndexOf(words, _seen, StringComparison.Ordinal)) < 0)
        {
            Assert.True(Stopwatch.GetElapsedTime(start).TotalMilliseconds < LongestMs, $"{words} did not come:\n{Text}");
            meanwhile?.Invoke();
            Thread.Sleep(1);
        }

        _seen = found + words.Length;
    }
}
