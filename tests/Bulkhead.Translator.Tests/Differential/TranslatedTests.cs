using System.Runtime.Intrinsics.X86;
using Bulkhead.X86.Instructions;
using Iced.Intel;
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
    public static TheoryData<string> Settings => ["exact-fault-flags=on", "exact-fault-flags=on,flag-lookahead=off", "exact-fault-flags=on,long-blocks=off", "exact-fault-flags=on,max-block=1,count=on", "exact-fault-flags=on,verify=on,relative-code=always", "exact-fault-flags=on,verify=on,relative-code=always,page-windows=always"];

    [Theory]
    [MemberData(nameof(Settings))]
    public void EveryRow_AgainstTheHost_Agrees(string settings) =>
        Compare(settings, subject => DifferentialRun.Rows(First, Seeds, code => subject.Offers(InstructionTable.Get(code))));

    [Theory]
    [MemberData(nameof(Settings))]
    public void Sequences_AgainstTheHost_Agree(string settings) =>
        Compare(settings, subject => DifferentialRun.Sequences(First * 2000, Seeds * 2000, code => subject.Offers(InstructionTable.Get(code))));

    /// <summary>RCL and RCR of a byte by nine give the operand and CF back, and a new OF on the way: decoders say no flag changes.</summary>
    [Theory]
    [MemberData(nameof(Settings))]
    public void RotateThroughCarry_AWholeTurn_HasTheHostsOverflow(string settings) =>
        Compare(settings, _ => WholeTurns());

    /// <summary>A division that fails shows the flags from before it, also where a block begins with it and where what comes
    /// later overwrites them all.</summary>
    [Theory]
    [MemberData(nameof(Settings))]
    public void FailingDivision_FlagsDeadBehindIt_ShowsThoseBeforeIt(string settings) =>
        Compare(settings, _ => FailingDivisions());

    private static unsafe List<Case> FailingDivisions()
    {
        List<Case> cases = [];
        for (int i = 0; i < 16; i++)
        {
            // cmp rax, rbx; div cl by zero; add eax, 1
            Case value = CaseGenerator.Create(i, Code.Cmp_rm64_r64);
            CpuState state = value.State;
            state.Gpr[1] = 0;
            cases.Add(value with { Bytes = [0x48, 0x39, 0xD8, 0xF6, 0xF1, 0x83, 0xC0, 0x01], State = state, Steps = 3 });
        }

        return cases;
    }

    private static unsafe List<Case> WholeTurns()
    {
        List<Case> cases = [];
        for (int i = 0; i < 64; i++)
        {
            // nop; rcl or rcr byte ptr [rbx], 9, 18 or 27: two instructions, so that OF is compared too
            Case value = CaseGenerator.Create(i, Code.Rcl_rm8_imm8);
            CpuState state = value.State;
            state.Gpr[3] = Arena.Data + (ulong)(i * 8);
            cases.Add(value with { Bytes = [0x90, 0xC0, (byte)(i % 2 == 0 ? 0x13 : 0x1B), (byte)(9 * (1 + (i % 3)))], State = state, Steps = 2 });
        }

        return cases;
    }

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
