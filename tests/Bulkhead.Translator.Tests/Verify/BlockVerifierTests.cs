using Bulkhead.Translator.Cache;
using Bulkhead.Translator.Tests.Differential;
using Bulkhead.Translator.Verify;
using Iced.Intel;
using Xunit;

namespace Bulkhead.Translator.Tests.Verify;

/// <summary>What the emitter emits passes the verifier.</summary>
public sealed class BlockVerifierTests
{
    public static TheoryData<string> Settings =>
    [
        "", "chain=off", "jump-cache=off", "return-stack=off", "page-slots=off", "flag-lookahead=off,exact-fault-flags=off", "inline-system=off", "max-block=1",
        "count=on", "relative-code=always", "shared-checks=off", "long-blocks=off", "page-windows=always", "page-windows=always,page-slots=off,shared-checks=off",
    ];

    [Theory]
    [MemberData(nameof(Settings))]
    public void EveryRow_Emitted_Passes(string settings)
    {
        using var bench = new EmitBench(settings);
        for (int seed = 1; seed <= (settings.Length == 0 ? 12 : 2); seed++)
        {
            foreach (Code code in CaseRows.All)
            {
                byte[] bytes = CaseGenerator.Create(seed, code).Bytes;
                Pass(bench, bytes, Arena.Code, Modes.User64);
                Pass(bench, bytes, Arena.Code, Modes.Kernel64);
            }
        }
    }

    [Fact]
    public void Sequences_Emitted_Pass()
    {
        using var bench = new EmitBench();
        for (int seed = 1; seed <= 1000; seed++)
        {
            Pass(bench, CaseGenerator.CreateSequence(seed, _ => true).Bytes, Arena.Code, Modes.User64);
        }
    }

    [Theory]
    [MemberData(nameof(Settings))]
    public void ControlFlow_InEveryMode_Passes(string settings)
    {
        using var bench = new EmitBench(settings);
        ReadOnlySpan<ulong> rips = [GuestCode.Rip, 0x40_0FF0, 0x40_0000, 0x7FFF_F800, 0x8000_0800, 0xFFFF_FFFF_8000_0800];
        foreach ((uint mode, int bits) in Modes.All)
        {
            foreach (byte[] code in GuestCode.Blocks(bits))
            {
                foreach (ulong rip in settings.Length == 0 ? rips : rips[..2])
                {
                    ulong at = bits == 64 ? rip : (uint)rip & (bits == 16 ? 0xFFFFu : uint.MaxValue);
                    bench.KnownRip = ulong.MaxValue;
                    Pass(bench, code, at, mode);
                    bench.KnownRip = at;
                    Pass(bench, code, at, mode);
                    bench.KnownRip = at + 0x12;
                    Pass(bench, code, at, mode);
                }
            }
        }
    }

    /// <summary>Vector registers that have the address register's number, in the middle of a run with one check.</summary>
    [Theory]
    [InlineData("0F1003 440F105310 410F58C2 0F104320")] // movups xmm0, [rbx]; movups xmm10, [rbx+10h]; addps xmm0, xmm10; movups xmm0, [rbx+20h]
    [InlineData("C5FC1003 C4627D305310 C5ACC6C000 C5FC104320")] // vmovups ymm0, [rbx]; vpmovzxbw ymm10, [rbx+10h]; vshufps ymm0, ymm10, ymm0, 0; vmovups ymm0, [rbx+20h]
    public void RunOverVectorRegister10_Emitted_Passes(string hex)
    {
        foreach (string settings in Settings.Select(static row => row.Data))
        {
            using var bench = new EmitBench(settings);
            Pass(bench, Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal) + "C3"), Arena.Code, Modes.User64);
        }
    }

    /// <summary>Fields of a structure with branches between them: further on in the page, to labels of the block, and back.</summary>
    [Theory]
    [InlineData("488B03 4885C0 7440 488B4B08 4839C8 7540 488B5310")] // mov rax, [rbx]; test rax, rax; je; mov rcx, [rbx+8]; cmp rax, rcx; jne; mov rdx, [rbx+10h]
    [InlineData("488B03 4885C0 7404 488B4B08 90 488B5310 85D2 75EE")] // the first branch to the nop
    [InlineData("488903 4885C0 7440 48895308 7240 48895310")] // stores
    [InlineData("488B03 4885C0 7440 48895308")] // a store behind a branch, where only reads come before
    public void RunOverBranches_Emitted_Passes(string hex)
    {
        foreach (string settings in Settings.Select(static row => row.Data))
        {
            using var bench = new EmitBench(settings);
            Pass(bench, Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal) + "C3"), Arena.Code, Modes.User64);
        }
    }

    [Fact]
    public void RandomBytes_InEveryMode_Pass()
    {
        using var bench = new EmitBench();
        var random = new Random(5);
        byte[] code = new byte[64];
        for (int round = 0; round < 500; round++)
        {
            foreach ((uint mode, int bits) in Modes.All)
            {
                random.NextBytes(code);
                for (int k = 0; k < 60; k += random.Next(1, 12))
                {
                    code[k] = random.Next(6) switch { 0 => 0x0F, 1 => 0x66, 2 => 0xC5, 3 => 0xC4, 4 => 0xF3, _ => code[k] };
                }

                Pass(bench, code, GuestCode.Rip & (bits == 16 ? 0xFFFFu : uint.MaxValue), mode);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Settings))]
    public void Thunks_Emitted_Pass(string settings)
    {
        using var bench = new EmitBench(settings);

        Assert.Null(bench.VerifyThunks(bench.ThunkCode));
    }

    private static void Pass(EmitBench bench, ReadOnlySpan<byte> guest, ulong rip, uint mode)
    {
        foreach (bool transient in (ReadOnlySpan<bool>)[false, true])
        {
            if (!bench.Emit(guest, rip, mode, transient))
            {
                continue;
            }

            Assert.InRange(bench.Code.Length, 1, transient ? CodeSpace.StripBytes / 8 : 32 << 10);
            if (bench.Verify() is { } violation)
            {
                Assert.Fail($"{bench.Describe()} (mode {mode:x}{(transient ? ", transient" : "")}): {violation}\n{Convert.ToHexString(bench.Code)}");
            }
        }
    }
}
