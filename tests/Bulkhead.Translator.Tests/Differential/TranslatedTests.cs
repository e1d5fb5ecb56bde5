using System.Runtime.Intrinsics.X86;
using Bulkhead.X86.Instructions;
using Xunit;

namespace Bulkhead.Translator.Tests.Differential;

/// <summary>The translator against the host CPU.</summary>
[Collection(nameof(NativeCollection))]
public sealed class TranslatedTests
{
    /// <summary>Rounds of a short run; <c>BULKHEAD_DIFFERENTIAL_SEEDS</c> asks for more.</summary>
    private static int Seeds => int.TryParse(Environment.GetEnvironmentVariable("BULKHEAD_DIFFERENTIAL_SEEDS"), out int asked) ? asked : 8;

    /// <summary>Where a longer run starts, so that it does not repeat another.</summary>
    private static int First => int.TryParse(Environment.GetEnvironmentVariable("BULKHEAD_DIFFERENTIAL_FIRST"), out int asked) ? asked : 1;

    /// <summary>Settings of the engine that must not be told apart.</summary>
    public static TheoryData<string> Settings => ["", "flag-lookahead=off", "max-block=1,count=on", "verify=on"];

    [Theory]
    [MemberData(nameof(Settings))]
    public void EveryRow_AgainstTheHost_Agrees(string settings) =>
        Compare(settings, subject => DifferentialRun.Rows(First, Seeds, code => subject.Offers(InstructionTable.Get(code))));

    [Theory]
    [MemberData(nameof(Settings))]
    public void Sequences_AgainstTheHost_Agree(string settings) =>
        Compare(settings, subject => DifferentialRun.Sequences(First * 2000, Seeds * 2000, code => subject.Offers(InstructionTable.Get(code))));

    private static void Compare(string settings, Func<TranslatedRunner, IEnumerable<Case>> cases)
    {
        Assert.SkipUnless(Avx2.IsSupported, "The oracle's trampoline needs AVX2.");
        Assert.Null(EngineOptions.TryParse(settings, out EngineOptions options));
        using var subject = new TranslatedRunner(options); // first: the oracle's handlers hand on to the engine's
        using var oracle = new NativeRunner();
        oracle.Open();
        List<string> differences = DifferentialRun.Compare(oracle, subject, cases(subject));
        Assert.True(differences.Count == 0, string.Join('\n', differences));
    }
}
