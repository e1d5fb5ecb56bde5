using System.Globalization;
using System.Text;
using System.Xml;
using Bulkhead.Core;
using Bulkhead.Machine.Configuration;

namespace Bulkhead.Machine.Simulation;

/// <summary>Draws a simulation as SVG: a lane per vCPU, grouped by CPU, with its turns, wake-ups and waits.</summary>
/// <remarks><i>Shape</i>: SVG 1.1 with a style sheet, no script, nothing outside. Names in it are escaped.</remarks>
public sealed class GanttChart
{
    private const string SvgSpace = "http://www.w3.org/2000/svg";
    private const double LeastWidth = 0.3;

    private readonly SimulationResult _result;
    private readonly XmlWriter _xml;
    private readonly TimeAxis _axis;
    private readonly long _endNs;
    private readonly double _left;

    private GanttChart(SimulationResult result, XmlWriter xml)
    {
        _result = result;
        _xml = xml;
        _endNs = Math.Max(result.KeptNs, 1);
        int letters = result.Cpus.SelectMany(static c => c.Vcpus).Max(static v => Math.Max(v.Name.Length, v.Load.ToString().Length));
        _left = GanttStyle.Margin + (letters * GanttStyle.LetterWidth) + 8;
        _axis = new TimeAxis(_endNs, _left, GanttStyle.ChartWidth);
    }

    /// <summary>Writes the chart.</summary>
    public static void Write(Stream to, SimulationResult result)
    {
        ArgumentNullException.ThrowIfNull(to);
        ArgumentNullException.ThrowIfNull(result);
        var settings = new XmlWriterSettings { Indent = true, Encoding = new UTF8Encoding(false), NewLineChars = "\n", CloseOutput = false };
        using XmlWriter xml = XmlWriter.Create(to, settings);
        new GanttChart(result, xml).Draw();
    }

    private void Draw()
    {
        double width = _left + GanttStyle.ChartWidth + (GanttStyle.Margin * 2);
        int lanes = _result.Cpus.Sum(static c => c.Vcpus.Count);
        bool cut = _endNs < _result.Request.DurationNs;
        double top = cut ? 86 : 68;
        double bottom = top + (_result.Cpus.Count * GanttStyle.GroupHeight) + (lanes * GanttStyle.LaneHeight);
        double height = bottom + 62;
        _xml.WriteStartElement("svg", SvgSpace);
        Attribute("width", width);
        Attribute("height", height);
        _xml.WriteAttributeString("viewBox", $"0 0 {Number(width)} {Number(height)}");
        _xml.WriteElementString("style", SvgSpace, GanttStyle.Sheet);
        Rectangle("panel", 0.5, 0.5, width - 1, height - 1, null);
        DrawTitle(cut);
        double y = top;
        foreach (SimulatedCpu cpu in _result.Cpus)
        {
            y = DrawCpu(cpu, y);
        }

        DrawTimes(bottom + 16);
        DrawLegend(bottom + 40);
        _xml.WriteEndElement();
    }

    private void DrawTitle(bool cut)
    {
        SimulationRequest request = _result.Request;
        string duration = Quantity.FormatDuration(request.DurationNs);
        string policies = string.Join(", ", _result.Cpus.Select(static c => c.Pool.Policy.Word()).Distinct());
        Text("title", GanttStyle.Margin, 26, $"{Path.GetFileName(request.System.Path)}: {duration}, {policies}");
        Text("small", GanttStyle.Margin, 44, $"simulated with synthetic loads, no guest; turns end {Quantity.FormatDuration(request.OverrunNs)} late; seed {request.Seed}");
        if (cut)
        {
            Text("small", GanttStyle.Margin, 62, $"cut: only the first {Quantity.FormatDuration(_endNs)} of {duration} are drawn, since the rest has too many turns for a chart");
        }
    }

    private void DrawTimes(double y)
    {
        foreach (long ns in _axis.Ticks())
        {
            Text("small", _axis.At(ns), y, Quantity.FormatDuration(ns), "middle");
        }
    }

    private double DrawCpu(SimulatedCpu cpu, double y)
    {
        string idle = (100.0 * cpu.IdleNs / _result.Request.DurationNs / cpu.CpuCount).ToString("F1", CultureInfo.InvariantCulture);
        string head = $"pool {cpu.Pool.Name}, {(cpu.CpuCount > 1 ? "CPUs" : "CPU")} {cpu.Name}: {cpu.Pool.Policy.Word()}, allowance {Quantity.FormatDuration(cpu.Pool.AllowanceNs)}, idle {idle}%";
        Text(null, GanttStyle.Margin, y + 18, head);
        y += GanttStyle.GroupHeight;
        foreach (SimulatedVcpu vcpu in cpu.Vcpus)
        {
            DrawLane(vcpu, y, cpu);
            y += GanttStyle.LaneHeight;
        }

        return y;
    }

    private void DrawLane(SimulatedVcpu vcpu, double y, SimulatedCpu cpu)
    {
        _xml.WriteStartElement("g", SvgSpace);
        Text(null, GanttStyle.Margin, y + 13, vcpu.Name);
        Text("small", GanttStyle.Margin, y + 26, vcpu.Load.ToString());
        Rectangle("lane", _left, y + 1, GanttStyle.ChartWidth, GanttStyle.LaneHeight - 2, null);
        foreach (long ns in _axis.Ticks())
        {
            Line("grid", _axis.At(ns), y + 1, y + GanttStyle.LaneHeight - 1);
        }

        foreach (SimulatedWait wait in vcpu.Waits)
        {
            string waited = Quantity.FormatDuration(wait.DispatchedNs - wait.WokenNs);
            Bar("wait", y, wait.WokenNs, wait.DispatchedNs, $"{vcpu.Name} wakes at {Quantity.FormatDuration(wait.WokenNs)} and waits {waited}");
        }

        foreach (SimulatedTurn turn in vcpu.Turns)
        {
            string ran = Quantity.FormatDuration(turn.ToNs - turn.FromNs);
            string on = cpu.CpuCount > 1 ? $" on CPU no. {turn.Cpu + 1}" : string.Empty;
            Bar(turn.Warped ? "warped" : "run", y, turn.FromNs, turn.ToNs, $"{vcpu.Name} runs {ran}{on} from {Quantity.FormatDuration(turn.FromNs)}{(turn.Warped ? ", warped" : string.Empty)}{(turn.Class is null ? string.Empty : $", as {turn.Class}")}");
        }

        foreach (SimulatedWait wait in vcpu.Waits)
        {
            if (wait.WokenNs <= _endNs)
            {
                double x = _axis.At(wait.WokenNs);
                Line("wake", x, y + 1, y + GanttStyle.BarTop);
            }
        }

        _xml.WriteEndElement();
    }

    private void DrawLegend(double y)
    {
        double x = GanttStyle.Margin;
        foreach ((string kind, string words) in (ReadOnlySpan<(string, string)>)
            [("run", "runs"), ("warped", "runs warped"), ("wait", "waits, from wake-up to dispatch"), ("wake", "wake-up")])
        {
            if (kind == "wake")
            {
                Line(kind, x + 8, y, y + 11);
            }
            else
            {
                Rectangle(kind, x, y, 16, 11, null);
            }

            Text("small", x + 22, y + 10, words);
            x += 40 + (words.Length * GanttStyle.LetterWidth);
        }
    }

    private void Bar(string kind, double y, long fromNs, long toNs, string words)
    {
        if (fromNs >= _endNs || fromNs == toNs)
        {
            return;
        }

        double x = _axis.At(fromNs);
        double width = Math.Max(_axis.At(Math.Min(toNs, _endNs)) - x, LeastWidth);
        Rectangle(kind, x, y + GanttStyle.BarTop, width, GanttStyle.LaneHeight - GanttStyle.BarTop - 3, words);
    }

    private void Rectangle(string kind, double x, double y, double width, double height, string? words)
    {
        _xml.WriteStartElement("rect", SvgSpace);
        _xml.WriteAttributeString("class", kind);
        Attribute("x", x);
        Attribute("y", y);
        Attribute("width", width);
        Attribute("height", height);
        if (words is not null)
        {
            _xml.WriteElementString("title", SvgSpace, Printable(words));
        }

        _xml.WriteEndElement();
    }

    private void Line(string kind, double x, double fromY, double toY)
    {
        _xml.WriteStartElement("line", SvgSpace);
        _xml.WriteAttributeString("class", kind);
        Attribute("x1", x);
        Attribute("x2", x);
        Attribute("y1", fromY);
        Attribute("y2", toY);
        _xml.WriteEndElement();
    }

    private void Text(string? kind, double x, double y, string words, string? anchor = null)
    {
        _xml.WriteStartElement("text", SvgSpace);
        if (kind is not null)
        {
            _xml.WriteAttributeString("class", kind);
        }

        Attribute("x", x);
        Attribute("y", y);
        if (anchor is not null)
        {
            _xml.WriteAttributeString("text-anchor", anchor);
        }

        _xml.WriteString(Printable(words));
        _xml.WriteEndElement();
    }

    private void Attribute(string name, double value) => _xml.WriteAttributeString(name, Number(value));

    private static string Number(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);

    // XML has no form for these, and a file's name may hold anything.
    private static string Printable(string words) => string.Concat(words.Select(static c => char.IsControl(c) || char.IsSurrogate(c) || c >= '\uFFFE' ? '?' : c));
}
