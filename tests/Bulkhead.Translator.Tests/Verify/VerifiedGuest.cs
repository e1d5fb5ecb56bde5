using Bulkhead.Core.Memory;
using Bulkhead.Translator.Cache;
using Bulkhead.Translator.Tests.Differential;
using Bulkhead.X86.Cpuid;
using Bulkhead.X86.Engine;
using Bulkhead.X86.Instructions;
using Bulkhead.X86.State;
using Xunit;

namespace Bulkhead.Translator.Tests.Verify;

/// <summary>A guest in flat 32-bit mode without paging, run on a vCPU whose insides can be looked at.</summary>
internal sealed unsafe class VerifiedGuest : IDisposable
{
    internal const ulong Code = 0x1_0000;

    private readonly TranslatorVcpu[] _others;

    /// <param name="options">The engine's options.</param>
    /// <param name="offers">What its processor has; null: what the host has.</param>
    /// <param name="others">How many vCPUs there are beside the one that runs.</param>
    internal VerifiedGuest(string options, Func<CpuFeature, bool>? offers = null, int others = 0)
    {
        Assert.Null(EngineOptions.TryParse(options, out EngineOptions parsed));
        CpuidPolicy policy = CpuidPolicy.Create(CpuModel.Host, 1, 0);
        Memory = new GuestMemory("verified", 64 << 20);
        Space = new CodeSpace(Memory, parsed, offers ?? policy.Offers);
        Vcpu = new TranslatorVcpu(Space, policy, parsed);
        _others = [.. Enumerable.Range(0, others).Select(_ => new TranslatorVcpu(Space, policy, parsed))];
        ref Registers r = ref Vcpu.Registers;
        r.Cr0 = Cr0.PE | Cr0.ET | Cr0.NE;
        foreach (SegmentIndex index in Enum.GetValues<SegmentIndex>().Where(i => i <= SegmentIndex.Gs))
        {
            r.Segments[(int)index] = new Segment { Selector = 8, Limit = uint.MaxValue, Access = index == SegmentIndex.Cs ? 0xC09Bu : 0xC093u };
        }

        r.Rip = Code;
        r.Gpr[4] = 0x80_0000;
    }

    internal GuestMemory Memory { get; }

    internal CodeSpace Space { get; }

    internal TranslatorVcpu Vcpu { get; }

    internal void Write(ulong address, string hex) => Assert.True(Memory.TryWrite(new Gpa(address), Convert.FromHexString(hex)));

    internal StopReason Run() => Run(new GuestIo(), long.MaxValue);

    internal StopReason Run(ICpuIo io, long untilNs) => Vcpu.Run(io, untilNs);

    public void Dispose()
    {
        Vcpu.Dispose();
        Array.ForEach(_others, static other => other.Dispose());
        Space.Dispose();
        Memory.Dispose();
    }
}
