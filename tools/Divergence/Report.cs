using System.Globalization;

namespace Bulkhead.Tools.Divergence;

/// <summary>Prints differences as they come, the first of each place at length, and a table of the places at the end.</summary>
internal sealed class Report
{
    private readonly TextWriter _out;
    private readonly SymbolNames _names;
    private readonly int _lines;
    private readonly Dictionary<(ulong Site, bool Interrupt), (int Times, long Ours, long Theirs)> _places = [];

    internal Report(TextWriter output, SymbolNames names, int lines)
    {
        _out = output;
        _names = names;
        _lines = lines;
    }

    /// <summary>A difference after which both came to a common place.</summary>
    internal void Met(Difference d)
    {
        bool oursIs = d.A.Length > 0 && _names.IsInterrupt(d.A[0]);
        bool theirsIs = d.B.Length > 0 && _names.IsInterrupt(d.B[0]);
        (ulong, bool) place = (oursIs ? d.A[0] : theirsIs ? d.B[0] : d.Site, oursIs || theirsIs);
        bool known = _places.TryGetValue(place, out (int Times, long Ours, long Theirs) sum);
        _places[place] = (sum.Times + 1, sum.Ours + d.CountA, sum.Theirs + d.CountB);
        if (known)
        {
            return;
        }

        _out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"at {d.Position}, {(place.Item2 ? "an interrupt after" : "after")} {_names.Name(d.Site)}"));
        Side("ours", d.CountA, d.A);
        Side("qemu", d.CountB, d.B);
        _out.WriteLine($"  both from {_names.Name(d.Meets ?? 0)}");
    }

    /// <summary>A difference after which they did not meet.</summary>
    internal void Lost(Difference d)
    {
        _out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"\nat {d.Position} they part, and do not meet within {d.CountA} instructions\nbefore"));
        List(d.Before);
        _out.WriteLine("ours");
        List(d.A);
        _out.WriteLine("qemu");
        List(d.B);
    }

    /// <summary>The places, those most often first.</summary>
    internal void Table()
    {
        _out.WriteLine("\n   times        ours        qemu  where they part");
        foreach (((ulong site, bool interrupt), (int times, long ours, long theirs)) in _places.OrderByDescending(p => p.Value.Times))
        {
            _out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{times,8} {ours,11} {theirs,11}  {(interrupt ? "interrupt " : "")}{_names.Name(site)}"));
        }
    }

    private void Side(string who, int count, ulong[] addresses)
    {
        if (count == 0)
        {
            _out.WriteLine($"  {who} nothing");
            return;
        }

        string last = count > 1 && count == addresses.Length ? $" to {_names.Name(addresses[^1])}" : string.Empty;
        _out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {who} {count} from {_names.Name(addresses[0])}{last}"));
        for (int i = 1; i < Math.Min(_lines, addresses.Length); i++)
        {
            _out.WriteLine($"       {_names.Name(addresses[i])}");
        }
    }

    private void List(ulong[] addresses)
    {
        foreach (ulong address in addresses)
        {
            _out.WriteLine($"  {_names.Name(address)}");
        }
    }
}
