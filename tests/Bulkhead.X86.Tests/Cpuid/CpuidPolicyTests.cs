using Bulkhead.X86.Cpuid;
using Bulkhead.X86.Instructions;
using Bulkhead.X86.State;
using Xunit;

namespace Bulkhead.X86.Tests.Cpuid;

public sealed class CpuidPolicyTests
{
    private static readonly Func<uint, uint, CpuidResult> s_amd = (leaf, subleaf) => leaf switch
    {
        0 => new CpuidResult(0x10, 0x6874_7541, 0x444D_4163, 0x6974_6E65),
        1 => new CpuidResult(0x00A2_0F10, 0, uint.MaxValue, uint.MaxValue),
        7 => subleaf == 0 ? new CpuidResult(1, uint.MaxValue, uint.MaxValue, uint.MaxValue) : default,
        0xD => new CpuidResult(0xFF, 0xA88, 0xA88, 0),
        0x8000_0000 => new CpuidResult(0x8000_0028, 0, 0, 0),
        0x8000_001D => subleaf < 4 ? new CpuidResult((subleaf == 3 ? 3u : subleaf == 2 ? 2u : 1u) << 5 | (subleaf == 3 ? 3u : 1u) | 0x3FFC000, 63, 63, 0) : default,
        >= 0x8000_0001 => new CpuidResult(uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue),
        _ => default,
    };

    [Fact]
    public void Get_EverythingOnTheHost_HidesWhatIsNotOffered()
    {
        CpuidPolicy policy = CpuidPolicy.Create(CpuModel.Host, 1, 0, 0, s_amd);
        Registers r = default;

        CpuidResult one = policy.Get(1, 0, in r), seven = policy.Get(7, 0, in r), extended = policy.Get(0x8000_0001, 0, in r);

        Assert.Equal(0u, one.Ecx & ((1u << 3) | (1u << 5) | (1u << 15) | (1u << 27))); // MONITOR VMX PDCM OSXSAVE
        Assert.Equal(0u, seven.Ebx & ((1u << 4) | (1u << 11) | (1u << 16) | (1u << 28) | (1u << 30) | (1u << 31))); // HLE RTM AVX512 F CD BW VL
        Assert.Equal(0u, seven.Ecx & ((1u << 3) | (1u << 7) | (1u << 16))); // PKU CET_SS LA57
        Assert.Equal(0u, extended.Ecx & ((1u << 2) | (1u << 23) | (1u << 29))); // SVM PERFCTR MONITORX
        Assert.Equal(0u, policy.Get(0xD, 1, in r).Eax & ~3u);
        Assert.Equal(7u, policy.Get(0xD, 0, in r).Eax);
    }

    [Fact]
    public void Get_HostWithoutAnything_StillOffersWhatTheEngineDoes()
    {
        CpuidPolicy policy = CpuidPolicy.Create(CpuModel.Default, 1, 0, 0, (leaf, _) => leaf == 0 ? s_amd(0, 0) : default);
        Registers r = default;

        CpuidResult seven = policy.Get(7, 0, in r);

        Assert.Equal(CpuModel.V2, policy.Model);
        Assert.Equal((1u << 0) | (1u << 7) | (1u << 10) | (1u << 20), seven.Ebx & ((1u << 0) | (1u << 7) | (1u << 10) | (1u << 20))); // FSGSBASE SMEP INVPCID SMAP
        Assert.NotEqual(0u, seven.Ecx & 4); // UMIP
        Assert.False(policy.Offers(CpuFeature.Rdrand));
        Assert.False(policy.Offers(CpuFeature.Avx2));
        Assert.True(policy.Offers(CpuFeature.FsGsBase));
        Assert.Equal(3ul, policy.Xcr0Mask);
    }

    [Fact]
    public void Get_V3_OffersAvx2AndNoHostModelExtras()
    {
        CpuidPolicy policy = CpuidPolicy.Create(CpuModel.Default, 2, 1, 0, s_amd);

        Assert.Equal(CpuModel.V3, policy.Model);
        Assert.True(policy.Offers(CpuFeature.Avx2));
        Assert.True(policy.Offers(CpuFeature.Aes));
        Assert.False(policy.Offers(CpuFeature.Vaes));
        Assert.False(policy.Offers(CpuFeature.Monitor));
        Assert.False(CpuidPolicy.Create(CpuModel.V2, 1, 0, 0, s_amd).Offers(CpuFeature.Fma));
    }

    [Fact]
    public void Get_FourVcpus_FormOnePackageOfSingleThreadCores()
    {
        CpuidPolicy policy = CpuidPolicy.Create(CpuModel.V3, 4, 3, 0, s_amd);
        Registers r = default;

        Assert.Equal((3u << 24) | (4u << 16) | (8u << 8), policy.Get(1, 0, in r).Ebx);
        Assert.Equal(new CpuidResult(0, 1, 0x100, 3), policy.Get(0xB, 0, in r));
        Assert.Equal(new CpuidResult(2, 4, 0x201, 3), policy.Get(0xB, 1, in r));
        Assert.Equal(3u | (2u << 12), policy.Get(0x8000_0008, 0, in r).Ecx);
        Assert.Equal(0u, policy.Get(0x8000_001D, 0, in r).Eax >> 14 & 0xFFF);
        Assert.Equal(3u, policy.Get(0x8000_001D, 3, in r).Eax >> 14 & 0xFFF);
        Assert.Equal(3u, policy.Get(0x8000_001E, 0, in r).Eax);
    }

    [Fact]
    public void Get_SpeculationOnAmd_NeedsOnlyAutomaticIbrs()
    {
        CpuidPolicy policy = CpuidPolicy.Create(CpuModel.V3, 1, 0, 0, s_amd);
        Registers r = default;

        Assert.NotEqual(0u, policy.Get(7, 0, in r).Edx & (1u << 29));
        Assert.Equal((1u << 14) | (1u << 26) | (1u << 29), policy.Get(0x8000_0008, 0, in r).Ebx & ((1u << 12) | (1u << 14) | (1u << 15) | (1u << 26) | (1u << 29)));
        Assert.Equal((1u << 8) | (1u << 29), policy.Get(0x8000_0021, 0, in r).Eax & ((1u << 8) | (1u << 29)));
        Assert.NotEqual(0ul, policy.EferMask & CpuidPolicy.AutomaticIbrs);
    }

    [Fact]
    public void Get_XsaveSize_FollowsXcr0AndOsxsaveFollowsCr4()
    {
        CpuidPolicy policy = CpuidPolicy.Create(CpuModel.V3, 1, 0, 0, s_amd);
        Registers r = default;
        r.Xcr0 = 7;
        r.Cr4 = Cr4.OSXSAVE;

        Assert.Equal(832u, policy.Get(0xD, 0, in r).Ebx);
        Assert.Equal(new CpuidResult(256, 576, 0, 0), policy.Get(0xD, 2, in r));
        Assert.NotEqual(0u, policy.Get(1, 0, in r).Ecx & (1u << 27));
        r.Xcr0 = 3;
        Assert.Equal(576u, policy.Get(0xD, 0, in r).Ebx);
    }

    [Fact]
    public void Get_LeavesBeyondTheEnds_AreZero()
    {
        CpuidPolicy policy = CpuidPolicy.Create(CpuModel.V3, 1, 0, 0, s_amd);
        Registers r = default;

        Assert.Equal(default, policy.Get(0x1F, 0, in r));
        Assert.Equal(default, policy.Get(0x8000_0022, 0, in r));
        Assert.Equal(default, policy.Get(0xC000_0000, 0, in r));
        Assert.Equal(default, policy.Get(uint.MaxValue, 0, in r));
    }
}
