using System.Runtime.Intrinsics.X86;
using Bulkhead.Translator.Store;
using Bulkhead.Translator.Tests.Differential;
using Bulkhead.X86.Cpuid;
using Bulkhead.X86.Instructions;
using Xunit;

namespace Bulkhead.Translator.Tests.Store;

/// <summary>Code that was kept against the host CPU.</summary>
[Collection(nameof(NativeCollection))]
public sealed class StoreTests : IDisposable
{
    // What is kept of a page ends when it was written over more often than this.
    private const int AtOnce = 7;

    private readonly string _directory = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("exact-fault-flags=on")]
    [InlineData("exact-fault-flags=on,count=on")]
    [InlineData("exact-fault-flags=on,chain=off")]
    [InlineData("exact-fault-flags=on,return-stack=off,jump-cache=off,max-block=4")]
    public void Sequences_FromTheStore_AgreeWithTheHost(string settings)
    {
        Assert.SkipUnless(Avx2.IsSupported, "The oracle's trampoline needs AVX2.");
        Assert.Null(EngineOptions.TryParse(settings, out EngineOptions options));
        (long translated, _) = Compare(options);
        (long again, long loaded) = Compare(options);

        Assert.InRange(again, 0, translated / 10);
        Assert.InRange(loaded, translated / 2, long.MaxValue);
    }

    private (long Translated, long Loaded) Compare(EngineOptions options)
    {
        using var first = new TranslatedRunner(options); // before the oracle, whose handlers hand on to the engine's
        using var oracle = new NativeRunner();
        oracle.Open();
        CpuidPolicy features = CpuidPolicy.Create(CpuModel.Host, 1, 0);
        long translated = 0;
        long loaded = 0;
        int file = 0;
        foreach (Case[] cases in DifferentialRun.Sequences(1, 1400, code => features.Offers(InstructionTable.Get(code).Feature)).Chunk(AtOnce))
        {
            using CodeStore store = CodeStore.Open(Path.Combine(_directory, $"{file++}.code"), "test", Random.Shared.NextBytes, keepsLittle: true);
            using var subject = new TranslatedRunner(options, store);
            List<string> differences = DifferentialRun.Compare(oracle, subject, cases);
            Assert.True(differences.Count == 0, string.Join('\n', differences));
            translated += subject.Engine.TranslatedInstructions;
            loaded += subject.Engine.LoadedInstructions;
        }

        return (translated, loaded);
    }
}
