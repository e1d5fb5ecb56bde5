using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.RegularExpressions;
using Bulkhead.Core;
using Bulkhead.Host;

namespace Bulkhead.Machine.Configuration;

/// <summary>Reads an acceptance check from its one line of text.</summary>
internal static partial class ExpectationParser
{
    /// <summary>What is accepted, in words.</summary>
    internal const string Forms =
        "console \"TEXT\" [within TIME]; no console \"TEXT\"; latency p50|p90|p99|p99.9|max < TIME; share >= N%; restarts <= N; restarts >= N [within TIME]; exit CODE [within TIME]; each comparison may be <, <=, > or >=";

    private static readonly string[] s_words = ["console", "no", "latency", "share", "restarts", "exit"];

    /// <summary>The word it may have been meant to begin with, where it begins with none.</summary>
    internal static string? NearestWord(string text)
    {
        string first = text.Split(' ')[0];
        return s_words.Contains(first) ? null : NearestName.Find(first, s_words);
    }

    /// <summary>Reads one, or says what is wrong with it.</summary>
    internal static bool TryParse(string text, [NotNullWhen(true)] out Expectation? expectation, [NotNullWhen(false)] out string? problem)
    {
        expectation = null;
        problem = "is not a check";
        if (Form().Match(text) is not { Success: true } match)
        {
            return false;
        }

        string Group(string name) => match.Groups[name].Value;
        long? within = null;
        if (match.Groups["within"].Success)
        {
            if (!Quantity.TryParseDuration(Group("within"), out long ns) || ns <= 0)
            {
                problem = $"{Group("within")} is not a time; {Quantity.DurationForm}";
                return false;
            }

            within = ns;
        }

        if (match.Groups["text"].Success)
        {
            bool not = match.Groups["no"].Success;
            problem = "no console looks at the whole test, so it takes no within";
            if (not && within is not null)
            {
                return false;
            }

            expectation = new Expectation { Text = text, Kind = not ? ExpectationKind.NoConsole : ExpectationKind.Console, Words = Group("text"), WithinNs = within };
        }
        else if (match.Groups["limit"].Success)
        {
            if (!Quantity.TryParseDuration(Group("limit"), out long ns) || ns <= 0)
            {
                problem = $"{Group("limit")} is not a time; {Quantity.DurationForm}";
                return false;
            }

            double percentile = Group("which") == "max" ? 100 : Number(Group("which")[1..]);
            expectation = new Expectation { Text = text, Kind = ExpectationKind.Latency, Percentile = percentile, Comparison = Compared(match), Limit = ns };
        }
        else if (match.Groups["share"].Success)
        {
            expectation = new Expectation { Text = text, Kind = ExpectationKind.Share, Comparison = Compared(match), Limit = Number(Group("share")) };
        }
        else if (match.Groups["restarts"].Success)
        {
            Comparison comparison = Compared(match);
            double number = Number(Group("restarts"));
            bool atLeast = comparison is Comparison.Above or Comparison.AtLeast;
            problem = number == 0 && comparison == Comparison.Below ? "there are never fewer than 0" : "that there are no more looks at the whole test, so it takes no within";
            if ((number == 0 && comparison == Comparison.Below) || (!atLeast && within is not null))
            {
                return false;
            }

            expectation = new Expectation
            {
                Text = text,
                Kind = atLeast ? ExpectationKind.RestartsAtLeast : ExpectationKind.Restarts,
                Limit = comparison switch { Comparison.Below => number - 1, Comparison.Above => number + 1, _ => number },
                WithinNs = within,
            };
        }
        else
        {
            expectation = new Expectation { Text = text, Kind = ExpectationKind.Exit, Limit = Number(Group("code")), WithinNs = within };
        }

        problem = null;
        return true;
    }

    private static Comparison Compared(Match match) => match.Groups["than"].Value switch
    {
        "<" => Comparison.Below,
        "<=" => Comparison.AtMost,
        ">" => Comparison.Above,
        _ => Comparison.AtLeast,
    };

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex("""
        ^(?:
          (?<no>no\s+)?console\s+"(?<text>[^"]+)"(?:\s+within\s+(?<within>\S+))?
        | latency\s+(?<which>p\d{1,2}(?:\.\d{1,3})?|max)\s*(?<than>[<>]=?)\s*(?<limit>\S+)
        | share\s*(?<than>[<>]=?)\s*(?<share>\d{1,3}(?:\.\d+)?)\s*%
        | restarts\s*(?<than>[<>]=?)\s*(?<restarts>\d{1,9})(?:\s+within\s+(?<within>\S+))?
        | exit\s+(?<code>\d{1,3})(?:\s+within\s+(?<within>\S+))?
        )$
        """, RegexOptions.IgnorePatternWhitespace | RegexOptions.CultureInvariant)]
    private static partial Regex Form();
}
