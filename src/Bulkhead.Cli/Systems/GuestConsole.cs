namespace Bulkhead.Cli.Systems;

/// <summary>The first serial port of a domain, over all its lives: what it printed, and whether awaited words came; and its virtio console.</summary>
/// <remarks><i>Threading</i>: <see cref="Write"/> on vCPU threads, one at a time; the rest on the control thread; the logs anywhere.</remarks>
/// <param name="readyText">What it prints when it is ready, or null.</param>
/// <param name="hasVirtio">Whether it has a virtio console.</param>
/// <param name="printed">Called after each piece it printed on its serial port; on vCPU threads.</param>
internal sealed class GuestConsole(string? readyText, bool hasVirtio, Action printed)
{
    private TextMatcher? _ready = NewMatcher(readyText);
    private volatile TextMatcher[] _awaited = [];
    private volatile bool _hasSpoken;

    /// <summary>What it printed.</summary>
    internal ConsoleLog Log { get; } = new();

    /// <summary>What it printed on its virtio console, or null where it has none.</summary>
    internal ConsoleLog? Virtio { get; } = hasVirtio ? new ConsoleLog() : null;

    /// <summary>Whether it said, in this life, that it is ready: the words for it, or anything where there are none.</summary>
    internal bool IsReady => Volatile.Read(ref _ready)?.Found ?? _hasSpoken;

    /// <summary>Takes what the guest prints.</summary>
    internal void Write(ReadOnlySpan<byte> data)
    {
        Log.Write(data);
        _hasSpoken |= data.Contains((byte)'\n');
        Volatile.Read(ref _ready)?.Feed(data);
        foreach (TextMatcher matcher in _awaited)
        {
            matcher.Feed(data);
        }

        printed();
    }

    /// <summary>Looks for words from now on.</summary>
    internal TextMatcher Await(string words)
    {
        var matcher = new TextMatcher(words);
        _awaited = [.. _awaited, matcher];
        return matcher;
    }

    /// <summary>A new life begins.</summary>
    internal void Renew()
    {
        Volatile.Write(ref _ready, NewMatcher(readyText));
        _hasSpoken = false;
    }

    private static TextMatcher? NewMatcher(string? words) => words is null ? null : new TextMatcher(words);
}
