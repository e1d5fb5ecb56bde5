using System.Diagnostics;
using System.Globalization;
using System.Xml;
using Bulkhead.Cli.Commands;
using Bulkhead.Cli.Machines;
using Bulkhead.Cli.Output;
using Bulkhead.Host;

namespace Bulkhead.Cli.Systems;

/// <summary><c>bulkhead test</c>: a system run until its expectations are decided.</summary>
/// <remarks>
/// What happens or does not (console, exit) is decided when it happens, or when its time is over. What is measured (latency,
/// share), and what must not happen, is decided at the end: so long after the control domain was ready, or when the control domain ended.
/// </remarks>
internal sealed class SystemTest(UpRequest request, TextWriter output)
{
    private const int LastLines = 20;
    private const long DefaultDurationNs = 10_000_000_000;

    private ExpectationCheck[] _checks = [];
    private long? _measuringNs;

    /// <summary>Runs it and returns 0 where every expectation came true, else 1; that of a signal, where one ended it.</summary>
    internal int Run(LiveSystem system)
    {
        if (!system.Config.Domains.Any(static d => d.Expectations.Count > 0))
        {
            throw new OperatorException($"{system.Config.Path}: no domain has an expect field, so there is nothing to test; add one, such as expect: [console \"ready\" within 5s].", 2);
        }

        using FileStream? junit = request.JUnitPath is { } path ? OutputFile.Create("--junit", path) : null;
        long start = Stopwatch.GetTimestamp();
        system.Started = () => _checks = [.. system.Domains.SelectMany(d => d.Config.Expectations.Select(e => new ExpectationCheck(system, d, e)))];
        system.IsDecided = now => IsDecided(system, now, start);
        system.Ending = now => Conclude(now);
        _ = system.Run(output);
        Report();
        int failed = _checks.Count(static c => c.Passed != true);
        output.WriteLine($"{_checks.Length - failed} passed, {failed} failed");
        bool written = junit is null || OutputFile.Fill("--junit", junit, file => WriteJUnit(file, failed));
        return system.SignalCode ?? (failed == 0 && written ? ExitCode.Ok : ExitCode.Error);
    }

    private bool IsDecided(LiveSystem system, long nowNs, long startNs)
    {
        foreach (ExpectationCheck check in _checks)
        {
            check.Look(nowNs);
        }

        if (system.IsMeasuring)
        {
            _measuringNs ??= nowNs;
        }

        bool over = system.IsControlOver;
        bool measured = over || (_measuringNs is { } from && nowNs - from >= (request.DurationNs ?? DefaultDurationNs));
        return Array.TrueForAll(_checks, c => c.Passed is not null || (measured && !c.Expectation.IsEvent) || (over && c.Expectation.WithinNs is null))
            || nowNs - startNs >= request.TimeoutNs;
    }

    private void Conclude(long nowNs)
    {
        foreach (ExpectationCheck check in _checks)
        {
            check.Conclude(nowNs);
        }
    }

    private void Report()
    {
        foreach (ExpectationCheck check in _checks)
        {
            output.WriteLine($"{(check.Passed == true ? "ok    " : "FAILED")} {check.Domain.Config.Name}: {check.Expectation.Text} ({check.Seen})");
        }

        foreach (ManagedDomain domain in _checks.Where(static c => c.Passed != true).Select(static c => c.Domain).Distinct())
        {
            output.WriteLine($"the last lines of {domain.Config.Name}:");
            foreach (string line in Tail(domain))
            {
                output.WriteLine($"  {line}");
            }
        }
    }

    private static List<string> Tail(ManagedDomain domain)
    {
        var lines = new List<string>();
        new GuestLines(domain.Console.Log, lines.Add).Drain(all: true);
        return lines[Math.Max(lines.Count - LastLines, 0)..];
    }

    private void WriteJUnit(Stream file, int failed)
    {
        using XmlWriter xml = XmlWriter.Create(file, new XmlWriterSettings { Indent = true });
        xml.WriteStartElement("testsuite");
        xml.WriteAttributeString("name", request.Name);
        xml.WriteAttributeString("tests", _checks.Length.ToString(CultureInfo.InvariantCulture));
        xml.WriteAttributeString("failures", failed.ToString(CultureInfo.InvariantCulture));
        foreach (ExpectationCheck check in _checks)
        {
            xml.WriteStartElement("testcase");
            xml.WriteAttributeString("classname", $"{request.Name}.{check.Domain.Config.Name}");
            xml.WriteAttributeString("name", check.Expectation.Text);
            xml.WriteAttributeString("time", check.Seconds.ToString("F3", CultureInfo.InvariantCulture));
            if (check.Passed != true)
            {
                xml.WriteStartElement("failure");
                xml.WriteAttributeString("message", check.Seen);
                xml.WriteString(string.Join('\n', Tail(check.Domain)));
                xml.WriteEndElement();
            }

            xml.WriteEndElement();
        }

        xml.WriteEndElement();
    }
}
