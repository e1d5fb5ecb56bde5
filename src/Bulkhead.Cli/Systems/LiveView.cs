using System.Globalization;
using System.Text;
using Bulkhead.Cli.Control;
using Bulkhead.Host.Terminal;

namespace Bulkhead.Cli.Systems;

/// <summary>On a terminal: what guests print scrolls by above a table of the domains.</summary>
/// <remarks>Every change is one write: the table is wiped, the lines are printed, and the table is drawn again below them. In a window that
/// became narrower since, a line of the table stands on several rows.</remarks>
internal sealed class LiveView(TextWriter output, Func<TerminalSize> sizeOf) : ISystemView
{
    // ECMA-48: lines up, erase below, bold, dim, plain; and no wrapping while the table is drawn.
    private const string EraseBelow = "\e[J";
    private const string Bold = "\e[1m";
    private const string Dim = "\e[2m";
    private const string Plain = "\e[0m";

    private readonly StringBuilder _lines = new();
    private IReadOnlyList<DomainStatus> _domains = [];
    private double _elapsed;
    private readonly List<int> _drawn = [];

    /// <inheritdoc/>
    public void Line(string domain, string text) => Above($"{Dim}{domain}|{Plain} {text}");

    /// <inheritdoc/>
    public void Note(string text) => Above($"{Bold}{text}{Plain}");

    /// <inheritdoc/>
    public void Tick(double elapsedSeconds, IReadOnlyList<DomainStatus> domains)
    {
        (_elapsed, _domains) = (elapsedSeconds, domains);
        Draw();
    }

    /// <inheritdoc/>
    public void Flush()
    {
        if (_lines.Length > 0)
        {
            Draw();
        }
    }

    /// <inheritdoc/>
    public void End(int exitCode, IReadOnlyList<DomainStatus> domains, ulong? stateHash)
    {
        _domains = domains;
        Draw();
        PlainView.WriteEnd(output, domains, stateHash);
    }

    private void Above(string text) => _lines.Append(text).Append('\n');

    private void Draw()
    {
        (int rows, int columns) = sizeOf();
        var all = new StringBuilder();
        if (_drawn.Count > 0)
        {
            _ = all.Append(CultureInfo.InvariantCulture, $"\e[{_drawn.Sum(length => Math.Max((length + columns - 1) / columns, 1))}A\r{EraseBelow}");
        }

        _ = all.Append(_lines);
        _ = _lines.Clear();
        _drawn.Clear();
        if (_domains.Count > 0)
        {
            Add(all, string.Create(CultureInfo.InvariantCulture, $"{_elapsed,6:F0} s   Ctrl-C stops the system; 'bulkhead ps', 'console', 'stop' from another terminal"), Dim, columns);
            Add(all, StatusTable.Head(columns - 1), Bold, columns);

            // What has scrolled off the top cannot be drawn again.
            int room = Math.Max(rows - 4, 1);
            foreach (DomainStatus d in _domains.Take(room))
            {
                Add(all, StatusTable.Row(d, columns - 1), Plain, columns);
            }

            if (_domains.Count > room)
            {
                Add(all, string.Create(CultureInfo.InvariantCulture, $"and {_domains.Count - room} more: 'bulkhead ps'"), Dim, columns);
            }
        }

        output.Write(all);
        output.Flush();
    }

    private void Add(StringBuilder all, string text, string style, int columns)
    {
        int length = Math.Min(text.Length, columns - 1);
        _ = all.Append(style).Append(text.AsSpan(0, length)).Append(Plain).Append('\n');
        _drawn.Add(length);
    }
}
