using System.Buffers.Binary;
using System.Text;
using Bulkhead.X86.Memory;
using Bulkhead.X86.State;

namespace Bulkhead.X86.Cpuid;

public sealed partial class CpuidPolicy
{
    private const uint MaxBasicAmd = 0xD;
    private const uint MaxBasicIntel = 0x16;
    private const uint MaxHypervisor = 0x4000_0010;

    /// <summary>Where KVM's leaves stand beside another hypervisor's.</summary>
    private const uint KvmBase = 0x4000_0100;

    /// <summary>NOP_IO_DELAY, CLOCKSOURCE2, CLOCKSOURCE_STABLE. <i>Source</i>: Linux, Documentation/virt/kvm/x86/cpuid.rst.</summary>
    private const uint KvmFeatures = (1u << 1) | (1u << 3) | (1u << 24);
    private const uint MaxExtended = 0x8000_0021;

    private CpuidResult GetBasic(uint leaf, uint subleaf, ref readonly Registers r)
    {
        switch (leaf)
        {
            case 0:
                return _vendor with { Eax = Amd ? MaxBasicAmd : MaxBasicIntel };
            case 1:
                uint ecx = Word(FeatureWord.Leaf1Ecx);
                if ((r.Cr4 & Cr4.OSXSAVE) != 0)
                {
                    ecx |= 1u << 27;
                }

                // EBX: brand 0, CLFLUSH line 64 bytes, logical processors, initial APIC id.
                return new CpuidResult(_signature, (8u << 8) | (_cores << 16) | (_apicId << 24), ecx, Word(FeatureWord.Leaf1Edx));
            case 2 when !Amd:
                return _host(2, 0);
            case 4 when !Amd:
                return WithSharing(_host(4, subleaf));
            case 6:
                return new CpuidResult(1u << 2, 0, 0, 0); // ARAT
            case 7:
                return subleaf == 0
                    ? new CpuidResult(0, Word(FeatureWord.Leaf7Ebx), Word(FeatureWord.Leaf7Ecx), Word(FeatureWord.Leaf7Edx))
                    : default;
            case 0xB:
                // Two levels: SMT (one thread), core.
                return subleaf switch
                {
                    0 => new CpuidResult(0, 1, 1 << 8, _apicId),
                    1 => new CpuidResult((uint)CoreBits, _cores, 1 | (2 << 8), _apicId),
                    _ => new CpuidResult(0, 0, subleaf & 0xFF, _apicId),
                };
            case 0xD:
                return GetXsave(subleaf, r.Xcr0);
            case 0x15 when !Amd && _tscHz != 0:
                // TSC = crystal * EBX / EAX, with a crystal of 25 MHz: to the MHz.
                return new CpuidResult(1000, (uint)(_tscHz / 1_000_000 * 40), 25_000_000, 0);
            case 0x16 when !Amd && _tscHz != 0:
                uint mhz = (uint)(_tscHz / 1_000_000);
                return new CpuidResult(mhz, mhz, 100, 0);
            default:
                return default;
        }
    }

    /// <summary>XSAVE: x87 and SSE in the legacy area, AVX at 576.</summary>
    /// <remarks><i>Source</i>: Intel SDM Vol. 1, 13.2 Enumeration of CPU Support for XSAVE Instructions.</remarks>
    private CpuidResult GetXsave(uint subleaf, ulong xcr0)
    {
        const uint Header = 576, Ymm = 256;
        uint current = Header + ((xcr0 & 4) != 0 ? Ymm : 0);
        return subleaf switch
        {
            0 => new CpuidResult((uint)Xcr0Mask, current, Header + ((Xcr0Mask & 4) != 0 ? Ymm : 0), 0),
            1 => new CpuidResult(Word(FeatureWord.LeafD1Eax), current, 0, 0),
            2 when (Xcr0Mask & 4) != 0 => new CpuidResult(Ymm, Header, 0, 0),
            _ => default,
        };
    }

    /// <summary>The hypervisor's leaves: a signature of our own, and the frequencies at the customary place.</summary>
    private CpuidResult GetHypervisor(uint leaf) => leaf switch
    {
        0x4000_0000 => new CpuidResult(MaxHypervisor, 0x6B6C_7542, 0x6461_6568, 0x6B6C_7542), // "Bulk" "head" "Bulk"
        MaxHypervisor => new CpuidResult((uint)(_tscHz / 1000), 1_000_000, 0, 0),

        // Of KVM's interface its clock, and that port 80h is no delay.
        KvmBase when _tscHz != 0 => new CpuidResult(KvmBase + 1, 0x4B4D_564B, 0x564B_4D56, 0x0000_004D), // "KVMK" "VMKV" "M"
        KvmBase + 1 when _tscHz != 0 => new CpuidResult(KvmFeatures, 0, 0, 0),
        _ => default,
    };

    private CpuidResult GetExtended(uint leaf, uint subleaf)
    {
        switch (leaf)
        {
            case 0x8000_0000:
                return Amd ? _vendor with { Eax = MaxExtended } : new CpuidResult(0x8000_0008, 0, 0, 0);
            case 0x8000_0001:
                return new CpuidResult(Amd ? _host(leaf, 0).Eax : 0, 0, Word(FeatureWord.Extended1Ecx), Word(FeatureWord.Extended1Edx));
            case >= 0x8000_0002 and <= 0x8000_0004:
                return Model == CpuModel.Host ? _host(leaf, 0) : Brand((int)(leaf - 0x8000_0002));
            case 0x8000_0005 when Amd:
                return _host(leaf, 0);
            case 0x8000_0006:
                return _host(leaf, 0);
            case 0x8000_0007:
                return new CpuidResult(0, 0, 0, 1u << 8); // Invariant TSC
            case 0x8000_0008:
                uint eax = _physicalBits | (48u << 8);
                return Amd
                    ? new CpuidResult(eax, Word(FeatureWord.Extended8Ebx), (_cores - 1) | ((uint)CoreBits << 12), 0)
                    : new CpuidResult(eax, 0, 0, 0);
            case 0x8000_001D when Amd:
                return WithSharing(_host(leaf, subleaf));
            case 0x8000_001E when Amd:
                return new CpuidResult(_apicId, _apicId, 0, 0); // One thread a core, node 0
            case 0x8000_0021 when Amd:
                // NoNestedDataBp, LFENCE serializes, null selector clears base, AutoIBRS, SRSO_NO, SRSO_USER_KERNEL_NO; TSA_SQ_NO, TSA_L1_NO.
                return new CpuidResult(1u | (1u << 2) | (1u << 6) | (1u << 8) | (1u << 29) | (1u << 30), 0, (1u << 1) | (1u << 2), 0);
            default:
                return default;
        }
    }

    /// <summary>A cache leaf with the sharing of N single-thread cores: levels 1 and 2 private, level 3 shared by all.</summary>
    private CpuidResult WithSharing(CpuidResult host)
    {
        if ((host.Eax & 0x1F) == 0)
        {
            return default;
        }

        uint sharing = ((host.Eax >> 5) & 7) >= 3 ? _cores - 1 : 0;
        uint eax = (host.Eax & 0x3FFF) | (sharing << 14);
        if (!Amd)
        {
            eax |= ((1u << CoreBits) - 1) << 26;
        }

        return host with { Eax = eax };
    }

    private CpuidResult Brand(int part)
    {
        Span<byte> text = stackalloc byte[48];
        text.Clear();
        _ = Encoding.ASCII.GetBytes(Model == CpuModel.V2 ? "Bulkhead x86-64-v2 Processor" : "Bulkhead x86-64-v3 Processor", text);
        text = text.Slice(part * 16, 16);
        return new CpuidResult(
            BinaryPrimitives.ReadUInt32LittleEndian(text),
            BinaryPrimitives.ReadUInt32LittleEndian(text[4..]),
            BinaryPrimitives.ReadUInt32LittleEndian(text[8..]),
            BinaryPrimitives.ReadUInt32LittleEndian(text[12..]));
    }
}
