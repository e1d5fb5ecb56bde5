using System.Reflection;
using Xunit;
using Xunit.Sdk;
using Xunit.v3;

namespace Bulkhead.Guests.Tests.Harness;

/// <summary>Runs a test with the defaults of the engine and with each group of its optimizations off, and with its blocks verified.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class EngineSettingsAttribute : DataAttribute
{
    /// <summary>The settings, as <c>EngineOptions.TryParse</c> reads them.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        "",
        "chain=off,jump-cache=off",
        "return-stack=off,page-slots=off,shared-checks=off",
        "max-block=1",
        "exact-fault-flags",
        "inline-system=off,flag-lookahead=off,long-blocks=off",
        "verify=on",
        "relative-code=always,verify=on",
        "page-windows=always,verify=on",
    ];

    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker) =>
        new([.. All.Select(static s => new TheoryDataRow<string>(s))]);

    public override bool SupportsDiscoveryEnumeration() => true;
}
