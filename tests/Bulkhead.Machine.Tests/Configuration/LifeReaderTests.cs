using Bulkhead.Host;
using Bulkhead.Machine.Configuration;
using Xunit;

namespace Bulkhead.Machine.Tests.Configuration;

public sealed class LifeReaderTests
{
    [Fact]
    public void Parse_EveryField_IsTaken()
    {
        SystemConfig system = SystemFile.Parse("s.yaml", """
            domains:
              - name: a
                image: debian
              - name: b
                image: debian
                restart: { when: on-failure, limit: 3, backoff: 50ms, longest: 2s }
                watchdog: 5s
                depends_on: [a]
                ready: "login:"
                environment: { MODE: fast, GREETING: hello world }
                expect:
                  - console "up and running" within 5s
                  - no console "BUG:"
                  - latency p99.9 < 500us
                  - latency max < 2ms
                  - share >= 40%
                  - restarts <= 0
                  - restarts >= 2 within 3s
                  - exit 0 within 1m
            """);

        DomainConfig b = system.Domains[1];
        Assert.Equal(new RestartConfig(RestartWhen.OnFailure, 3, 50_000_000, 2_000_000_000), b.Restart);
        Assert.Equal(5_000_000_000, b.WatchdogNs);
        Assert.Equal(["a"], b.DependsOn);
        Assert.Equal("login:", b.ReadyText);
        Assert.Equal([new("MODE", "fast"), new("GREETING", "hello world")], b.Environment);
        Assert.Equal(
            [ExpectationKind.Console, ExpectationKind.NoConsole, ExpectationKind.Latency, ExpectationKind.Latency, ExpectationKind.Share, ExpectationKind.Restarts, ExpectationKind.RestartsAtLeast, ExpectationKind.Exit],
            b.Expectations.Select(static e => e.Kind));
        Assert.Equal(("up and running", 5_000_000_000L), (b.Expectations[0].Words, b.Expectations[0].WithinNs));
        Assert.Equal((99.9, 500_000.0), (b.Expectations[2].Percentile, b.Expectations[2].Limit));
        Assert.Equal((100.0, 2_000_000.0), (b.Expectations[3].Percentile, b.Expectations[3].Limit));
        Assert.Equal(40, b.Expectations[4].Limit);
        Assert.Equal(60_000_000_000, b.Expectations[7].WithinNs);
    }

    [Theory]
    [InlineData("latency p99 < 1s", ExpectationKind.Latency, Comparison.Below, 1e9)]
    [InlineData("latency max <= 1s", ExpectationKind.Latency, Comparison.AtMost, 1e9)]
    [InlineData("latency p50 > 1us", ExpectationKind.Latency, Comparison.Above, 1e3)]
    [InlineData("latency p50>=1us", ExpectationKind.Latency, Comparison.AtLeast, 1e3)]
    [InlineData("share < 3%", ExpectationKind.Share, Comparison.Below, 3)]
    [InlineData("share <= 3%", ExpectationKind.Share, Comparison.AtMost, 3)]
    [InlineData("share > 3%", ExpectationKind.Share, Comparison.Above, 3)]
    [InlineData("share >= 3.5%", ExpectationKind.Share, Comparison.AtLeast, 3.5)]
    [InlineData("restarts < 3", ExpectationKind.Restarts, Comparison.Below, 2)]
    [InlineData("restarts <= 3", ExpectationKind.Restarts, Comparison.Below, 3)]
    [InlineData("restarts > 3", ExpectationKind.RestartsAtLeast, Comparison.Below, 4)]
    [InlineData("restarts >= 3 within 1s", ExpectationKind.RestartsAtLeast, Comparison.Below, 3)]
    public void Parse_EveryComparison_IsTaken(string text, ExpectationKind kind, Comparison comparison, double limit)
    {
        Expectation seen = Assert.Single(SystemFile.Parse("s.yaml", $"domains: [{{name: a, image: debian, expect: '{text}'}}]").Domains[0].Expectations);

        Assert.Equal((kind, comparison, limit), (seen.Kind, seen.Comparison, seen.Limit));
    }

    [Fact]
    public void Parse_RestartAsAWord_TakesTheDefaults()
    {
        SystemConfig system = SystemFile.Parse("s.yaml", "domains: [{name: a, image: debian, restart: always, expect: exit 3}]");

        Assert.Equal(new RestartConfig(RestartWhen.Always, 0, 100_000_000, 10_000_000_000), system.Domains[0].Restart);
        Assert.Equal(3, Assert.Single(system.Domains[0].Expectations).Limit);
    }

    [Theory]
    [InlineData("restart: allways", "domains[0].restart: \"allways\" is not known; one of never, on-failure, always; did you mean always?")]
    [InlineData("restart: {limit: 3}", "domains[0].restart.when: is missing; one of never, on-failure, always")]
    [InlineData("restart: {when: always, backof: 3s}", "domains[0].restart.backof: is not a field; fields are when, limit, backoff, longest; did you mean backoff?")]
    [InlineData("watchdog: 1ms", "domains[0].watchdog: \"1ms\" is too short; ")]
    [InlineData("depends_on: [bb]", "domains[0].depends_on[0]: \"bb\" is not a domain of this file; one of a, b, c; did you mean b?")]
    [InlineData("depends_on: [a]", "domains[0].depends_on[0]: a would wait for itself; ")]
    [InlineData("depends_on: [b]", "domains[0].depends_on[0]: a and b would wait for each other; ")]
    [InlineData("environment: {1X: a}", "domains[0].environment: \"1X\" is not the name of a variable; ")]
    [InlineData("environment: {X: 'a\"b'}", "domains[0].environment.X: is not a value the kernel's command line can carry; ")]
    [InlineData("expect: [consol \"x\"]", "domains[0].expect[0]: \"consol \"x\"\": is not a check; console \"TEXT\" [within TIME]; ")]
    [InlineData("expect: [consol \"x\"]", "did you mean console?")]
    [InlineData("expect: [no console \"x\" within 3s]", "no console looks at the whole test, so it takes no within")]
    [InlineData("expect: [{console \"a\": b}]", "domains[0].expect[0]: is not one line of text; where it holds a colon and a space, put the whole line into single quotes")]
    [InlineData("expect: [latency p99 < 5]", "5 is not a time")]
    [InlineData("expect: [restarts < 0]", "there are never fewer than 0")]
    [InlineData("expect: [restarts < 2 within 3s]", "that there are no more looks at the whole test, so it takes no within")]
    [InlineData("expect: [share = 3%]", "each comparison may be <, <=, > or >=")]
    [InlineData("expect: [console \"x\" within 5]", "5 is not a time")]
    public void Parse_WrongField_SaysWhereAndWhatWasMeant(string field, string expected)
    {
        OperatorException error = Assert.Throws<OperatorException>(() => SystemFile.Parse("s.yaml", $$"""
            domains:
              - {name: a, image: debian, {{field}}}
              - {name: b, image: debian, depends_on: [c]}
              - {name: c, image: debian, depends_on: [a]}
            """));

        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.StartsWith("s.yaml:2:", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("watchdog: 1s")]
    [InlineData("restart: always")]
    [InlineData("depends_on: [b]")]
    public void Parse_VirtualClock_RefusesWhatGoesByTheHosts(string field)
    {
        OperatorException error = Assert.Throws<OperatorException>(
            () => SystemFile.Parse("s.yaml", $"clock: virtual\ndomains: [{{name: a, image: debian, {field}}}, {{name: b, image: debian}}]"));

        Assert.StartsWith("s.yaml:2:", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("goes by the host's time, and the clock is virtual; leave it out, or set clock: real", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(RestartWhen.Never, 1, 0, false)]
    [InlineData(RestartWhen.OnFailure, 0, 0, false)]
    [InlineData(RestartWhen.OnFailure, 10, 0, true)]
    [InlineData(RestartWhen.OnFailure, 10, 3, false)]
    [InlineData(RestartWhen.Always, 0, 2, true)]
    public void Follows_ByPolicyAndLimit(RestartWhen when, int exitCode, int inARow, bool expected) =>
        Assert.Equal(expected, new RestartConfig(when, Limit: 3).Follows(exitCode, inARow));

    [Theory]
    [InlineData(0, 100)]
    [InlineData(1, 200)]
    [InlineData(5, 3200)]
    [InlineData(7, 10_000)]
    [InlineData(2_000_000_000, 10_000)]
    public void WaitNs_DoublesUpToTheLongest(int inARow, long milliseconds) =>
        Assert.Equal(milliseconds * 1_000_000, new RestartConfig(RestartWhen.Always).WaitNs(inARow));
}
