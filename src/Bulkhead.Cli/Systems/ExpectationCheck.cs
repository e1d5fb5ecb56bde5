using System.Globalization;
using Bulkhead.Core;
using Bulkhead.Machine.Configuration;

namespace Bulkhead.Cli.Systems;

/// <summary>One expectation of one domain, and what became of it.</summary>
/// <remarks><i>Threading</i>: the control thread.</remarks>
internal sealed class ExpectationCheck
{
    private readonly LiveSystem _system;
    private readonly TextMatcher? _words;

    internal ExpectationCheck(LiveSystem system, ManagedDomain domain, Expectation expectation)
    {
        _system = system;
        Domain = domain;
        Expectation = expectation;
        _words = expectation.Words.Length > 0 ? domain.Console.Await(expectation.Words) : null;
    }

    /// <summary>The domain.</summary>
    internal ManagedDomain Domain { get; }

    /// <summary>What is expected.</summary>
    internal Expectation Expectation { get; }

    /// <summary>Whether it came true; null while that is open.</summary>
    internal bool? Passed { get; private set; }

    /// <summary>What was seen.</summary>
    internal string Seen { get; private set; } = string.Empty;

    /// <summary>When it was decided, in seconds since the domain's first start.</summary>
    internal double Seconds { get; private set; }

    /// <summary>Decides what has happened, or can no longer.</summary>
    internal void Look(long nowNs)
    {
        if (Passed is not null)
        {
            return;
        }

        long since = Domain.FirstStartNs is { } start ? nowNs - start : 0;
        string at = Quantity.FormatDuration(since / 1_000_000 * 1_000_000);
        switch (Expectation.Kind)
        {
            case ExpectationKind.Console when _words?.Found == true:
                Decide(true, since, $"after {at}");
                break;
            case ExpectationKind.NoConsole when _words?.Found == true:
                Decide(false, since, $"printed after {at}");
                break;
            case ExpectationKind.Exit when Domain is { IsUp: false, LastResult: { } result }:
                Decide(result.ExitCode == (int)Expectation.Limit, since, $"exit code {result.ExitCode} after {at}: {result.Message}");
                break;
            case ExpectationKind.RestartsAtLeast when Domain.Restarts >= Expectation.Limit:
                Decide(true, since, $"after {at}");
                break;
            case ExpectationKind.Restarts when Domain.Restarts > Expectation.Limit:
                Decide(false, since, $"{Domain.Restarts} after {at}");
                break;
            default:
                if (since > Expectation.WithinNs)
                {
                    Decide(false, since, Missed());
                }

                break;
        }
    }

    /// <summary>Decides the rest, at the end of the test.</summary>
    internal void Conclude(long nowNs)
    {
        Look(nowNs);
        if (Passed is not null)
        {
            return;
        }

        long since = Domain.FirstStartNs is { } start ? nowNs - start : 0;
        switch (Expectation.Kind)
        {
            case ExpectationKind.Console or ExpectationKind.RestartsAtLeast or ExpectationKind.Exit:
                Decide(false, since, Missed());
                break;
            case ExpectationKind.NoConsole:
                Decide(true, since, "was not printed");
                break;
            case ExpectationKind.Restarts:
                Decide(true, since, $"{Domain.Restarts}");
                break;
            case ExpectationKind.Latency:
                long? ns = Domain.Meter.Latency.Ns(Expectation.Percentile);
                Decide(ns is { } measured && Holds(measured), since, ns is { } seen ? Quantity.FormatDuration(seen) : "it never slept");
                break;
            default:
                double share = _system.Status(Domain, nowNs).SharePercent;
                Decide(Holds(share), since, string.Create(CultureInfo.InvariantCulture, $"{share:F1}%"));
                break;
        }
    }

    private bool Holds(double measured) => Expectation.Comparison switch
    {
        Comparison.Below => measured < Expectation.Limit,
        Comparison.AtMost => measured <= Expectation.Limit,
        Comparison.Above => measured > Expectation.Limit,
        _ => measured >= Expectation.Limit,
    };

    private string Missed() => Expectation.Kind switch
    {
        ExpectationKind.Exit => "has not ended",
        ExpectationKind.RestartsAtLeast => $"{Domain.Restarts}",
        _ => "was not printed",
    };

    private void Decide(bool passed, long sinceNs, string seen) => (Passed, Seconds, Seen) = (passed, sinceNs / 1e9, seen);
}
