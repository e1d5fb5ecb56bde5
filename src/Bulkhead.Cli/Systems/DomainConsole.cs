namespace Bulkhead.Cli.Systems;

/// <summary>One of the consoles of a domain, which an operator can look at and type on, over all its lives.</summary>
/// <remarks><i>Threading</i>: <see cref="Renew"/> on the control thread, the rest anywhere.</remarks>
/// <param name="name">What Linux calls it.</param>
/// <param name="log">What was printed on it.</param>
/// <param name="type">Types; how many bytes were taken.</param>
/// <param name="resize">Says to the guest how many columns and rows it has; null where nobody can.</param>
internal sealed class DomainConsole(string name, ConsoleLog log, Func<ReadOnlySpan<byte>, int> type, Action<ushort, ushort>? resize = null)
{
    /// <summary>The first serial port.</summary>
    internal const string Serial = "ttyS0";

    /// <summary>The virtio console.</summary>
    internal const string Virtio = "hvc0";

    private readonly Lock _lock = new();
    private (ushort Columns, ushort Rows)? _size;

    /// <summary>What Linux calls it.</summary>
    internal string Name => name;

    /// <summary>What was printed on it.</summary>
    internal ConsoleLog Log => log;

    /// <summary>Types; how many bytes were taken.</summary>
    internal int Type(ReadOnlySpan<byte> data) => type(data);

    /// <summary>Says how large it is, in this life and the next ones.</summary>
    internal void Resize(ushort columns, ushort rows)
    {
        lock (_lock)
        {
            _size = (columns, rows);
            resize?.Invoke(columns, rows);
        }
    }

    /// <summary>A new life began.</summary>
    internal void Renew()
    {
        lock (_lock)
        {
            if (_size is { } size)
            {
                resize?.Invoke(size.Columns, size.Rows);
            }
        }
    }
}
