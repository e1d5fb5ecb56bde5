using System.Numerics;
using Bulkhead.X86.Instructions;
using Bulkhead.X86.Memory;
using Bulkhead.X86.State;

namespace Bulkhead.X86.Cpuid;

/// <summary>The processor one vCPU is shown: CPUID, and which instructions and control bits exist.</summary>
/// <remarks>
/// <para>Vendor, family and caches follow the host; the topology is N cores of one thread in one package. Hidden: PKU,
/// CET, TSX, LA57, AVX-512, MONITOR, VMX, SVM, performance counters.</para>
/// <para>The speculation bits say that nothing needs a mitigation beyond enhanced (automatic) IBRS, which costs a guest
/// one MSR write: the isolation is the engine's, and retpolines or page-table isolation would only cost time.</para>
/// <para><i>Threading</i>: immutable.</para>
/// <para><i>Source</i>: Intel SDM Vol. 2A, CPUID; AMD APM Vol. 3, Appendix E Obtaining Processor Information.</para>
/// </remarks>
public sealed partial class CpuidPolicy
{
    private readonly Func<uint, uint, CpuidResult> _host;
    private readonly uint[] _words = new uint[(int)FeatureWord.None + 1];
    private readonly bool[] _offers = new bool[256];
    private readonly CpuidResult _vendor;
    private readonly uint _signature;
    private readonly uint _cores;
    private readonly uint _apicId;
    private readonly ulong _tscHz;
    private readonly uint _physicalBits;

    private CpuidPolicy(CpuModel model, int vcpus, int apicId, ulong tscHz, Func<uint, uint, CpuidResult> host, bool repeatable, int physicalBits)
    {
        _host = host;
        _physicalBits = (uint)physicalBits;
        _cores = (uint)vcpus;
        _apicId = (uint)apicId;
        _tscHz = tscHz;
        _vendor = host(0, 0);
        _signature = host(1, 0).Eax;
        Amd = _vendor.Ebx is 0x6874_7541 or 0x6F67_7948; // "Auth", "Hygo"
        bool v3 = HostHasV3(host);
        Model = model switch
        {
            CpuModel.V2 => CpuModel.V2,
            CpuModel.Host => CpuModel.Host,
            _ => v3 ? CpuModel.V3 : CpuModel.V2,
        };
        ChooseFeatures(v3, repeatable);
        Xcr0Mask = Offers(CpuFeature.Avx) ? 7ul : 3ul;
        Cr4Mask = Cr4.TSD | Cr4.DE | Cr4.PSE | Cr4.PAE | Cr4.MCE | Cr4.PGE | Cr4.PCE | Cr4.OSFXSR | Cr4.OSXMMEXCPT
            | Cr4.UMIP | Cr4.FSGSBASE | Cr4.PCIDE | Cr4.OSXSAVE | Cr4.SMEP | Cr4.SMAP;
        EferMask = Efer.SCE | Efer.LME | Efer.Lma | Efer.NXE | (Amd ? AutomaticIbrs : 0);
    }

    /// <summary>EFER.AIBRSE.</summary>
    public const ulong AutomaticIbrs = 1ul << 21;

    /// <summary>The model in effect (never <see cref="CpuModel.Default"/>).</summary>
    public CpuModel Model { get; }

    /// <summary>Whether the vendor's rules are AMD's (SYSCALL, SYSENTER, SYSRET), else Intel's.</summary>
    public bool Amd { get; }

    /// <summary>The XCR0 bits that may be set.</summary>
    public ulong Xcr0Mask { get; }

    /// <summary>The CR4 bits that may be set.</summary>
    public ulong Cr4Mask { get; }

    /// <summary>The EFER bits that may be set.</summary>
    public ulong EferMask { get; }

    /// <summary>Family, model and stepping (CPUID 1 EAX; EDX after reset).</summary>
    public uint Signature => _signature;

    /// <summary>The virtual APIC id of this vCPU.</summary>
    public int ApicId => (int)_apicId;

    /// <summary>Chooses what vCPU number <paramref name="apicId"/> of <paramref name="vcpus"/> is shown.</summary>
    /// <param name="model">The model asked for.</param>
    /// <param name="vcpus">How many vCPUs the domain has.</param>
    /// <param name="apicId">This vCPU's APIC id, below <paramref name="vcpus"/>.</param>
    /// <param name="tscHz">The TSC's frequency, or 0 where it is not to be told.</param>
    /// <param name="host">The host's CPUID; null: the real one.</param>
    /// <param name="repeatable">Leaves out what gives another answer every time: RDRAND and RDSEED.</param>
    /// <param name="physicalBits">How many bits a physical address has, as far as it is told.</param>
    public static CpuidPolicy Create(
        CpuModel model, int vcpus, int apicId, ulong tscHz = 0, Func<uint, uint, CpuidResult>? host = null, bool repeatable = false, int physicalBits = PageWalker.PhysicalBits)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(physicalBits, PageWalker.PhysicalBits);
        ArgumentOutOfRangeException.ThrowIfLessThan(vcpus, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(apicId);
        return new CpuidPolicy(model, vcpus, apicId, tscHz, host ?? HostCpuid.Get, repeatable, physicalBits);
    }

    /// <summary>Whether the guest may use what hangs from a feature; where not, its instructions are #UD.</summary>
    public bool Offers(CpuFeature feature) => _offers[(int)feature];

    /// <summary>What CPUID answers.</summary>
    public CpuidResult Get(uint leaf, uint subleaf, ref readonly Registers r) => leaf switch
    {
        < 0x4000_0000 => GetBasic(leaf, subleaf, in r),
        >= 0x4000_0000 and < 0x4000_0200 => GetHypervisor(leaf),
        >= 0x8000_0000 and <= MaxExtended => GetExtended(leaf, subleaf),
        _ => default,
    };

    /// <summary>What of the state the answers depend on: while this is the same, so are they.</summary>
    public static ulong InputsOf(ref readonly Registers r) => r.Xcr0 | ((r.Cr4 & Cr4.OSXSAVE) << 32);

    /// <summary>The number of bits of an APIC id that tell cores apart.</summary>
    private int CoreBits => BitOperations.Log2(BitOperations.RoundUpToPowerOf2(_cores));

    private uint Word(FeatureWord word) => _words[(int)word];

    private static bool HostHasV3(Func<uint, uint, CpuidResult> host)
    {
        const uint L1 = (1u << 12) | (1u << 22) | (1u << 27) | (1u << 28) | (1u << 29);
        const uint L7 = (1u << 3) | (1u << 5) | (1u << 8);
        return (host(1, 0).Ecx & L1) == L1 && (host(7, 0).Ebx & L7) == L7 && (host(0x8000_0001, 0).Ecx & (1u << 5)) != 0;
    }

    private static uint HostWord(Func<uint, uint, CpuidResult> host, FeatureWord word) => word switch
    {
        FeatureWord.Leaf1Ecx => host(1, 0).Ecx,
        FeatureWord.Leaf1Edx => host(1, 0).Edx,
        FeatureWord.Leaf7Ebx => host(7, 0).Ebx,
        FeatureWord.Leaf7Ecx => host(7, 0).Ecx,
        FeatureWord.Leaf7Edx => host(7, 0).Edx,
        FeatureWord.LeafD1Eax => host(0xD, 1).Eax,
        FeatureWord.Extended1Ecx => host(0x8000_0001, 0).Ecx,
        FeatureWord.Extended1Edx => host(0x8000_0001, 0).Edx,
        FeatureWord.Extended8Ebx => host(0x8000_0000, 0).Eax >= 0x8000_0008 ? host(0x8000_0008, 0).Ebx : 0,
        _ => 0,
    };

    private void ChooseFeatures(bool hostV3, bool repeatable)
    {
        foreach (FeatureBit f in FeatureBit.All)
        {
            bool inHost = ((HostWord(_host, f.Word) >> f.Bit) & 1) != 0;
            bool offered = f.Source switch
            {
                FeatureSource.Engine => true,
                FeatureSource.Host => inHost,
                FeatureSource.HostV3 => inHost && hostV3 && Model is not CpuModel.V2,
                FeatureSource.HostModel => inHost && hostV3 && Model is CpuModel.Host,
                _ => false,
            };
            offered &= !repeatable || f.Feature is not (CpuFeature.Rdrand or CpuFeature.Rdseed);
            _offers[(int)f.Feature] = offered;
            if (offered && f.Word != FeatureWord.None)
            {
                _words[(int)f.Word] |= 1u << f.Bit;
            }
        }

        // Bits that stand for no instruction of the table. Leaf 1: DE PSE MSR PAE APIC MCE SEP MTRR PGE MCA PAT PSE36,
        // HTT with several cores; PCID, x2APIC, TSC-deadline, hypervisor. Leaf 7: TSC_ADJUST SMEP ERMS; UMIP; FSRM,
        // ARCH_CAPABILITIES, and on Intel SPEC_CTRL.
        Add(FeatureWord.Leaf1Edx, 2, 3, 5, 6, 7, 9, 11, 12, 13, 14, 16, 17);
        Add(FeatureWord.Leaf1Ecx, 17, 21, 24, 31);
        Add(FeatureWord.Leaf7Ebx, 1, 7);
        Add(FeatureWord.Leaf7Ecx, 2);
        Add(FeatureWord.Leaf7Edx, 29);
        _words[(int)FeatureWord.Leaf7Ebx] |= HostWord(_host, FeatureWord.Leaf7Ebx) & (1u << 9);
        _words[(int)FeatureWord.Leaf7Edx] |= HostWord(_host, FeatureWord.Leaf7Edx) & (1u << 4);
        Add(FeatureWord.Extended1Edx, 26, 29);
        if (_cores > 1)
        {
            Add(FeatureWord.Leaf1Edx, 28);
        }

        if (Amd)
        {
            // MMXEXT, and the copies of leaf 1 EDX; TOPOEXT, CmpLegacy with several cores; IBRS, IBRS always on, IBRS same
            // mode, SSB_NO, BTC_NO. IBPB and STIBP are left out: a guest would use them at context switches for nothing.
            Add(FeatureWord.Extended1Edx, 22);
            _words[(int)FeatureWord.Extended1Edx] |= Word(FeatureWord.Leaf1Edx) & 0x0183_F3FF;
            Add(FeatureWord.Extended1Ecx, 22);
            if (_cores > 1)
            {
                Add(FeatureWord.Extended1Ecx, 1);
            }

            Add(FeatureWord.Extended8Ebx, 14, 16, 19, 26, 29);
        }
        else
        {
            Add(FeatureWord.Leaf7Edx, 26);
        }
    }

    private void Add(FeatureWord word, params ReadOnlySpan<int> bits)
    {
        foreach (int bit in bits)
        {
            _words[(int)word] |= 1u << bit;
        }
    }
}
