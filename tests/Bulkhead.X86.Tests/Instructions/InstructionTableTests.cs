using Bulkhead.X86.Instructions;
using Iced.Intel;
using Xunit;

namespace Bulkhead.X86.Tests.Instructions;

public sealed class InstructionTableTests
{
    [Theory]
    [InlineData(Code.Add_rm32_r32, InstructionClass.Carried)]
    [InlineData(Code.Lea_r64_m, InstructionClass.Carried)]
    [InlineData(Code.Rdrand_r64, InstructionClass.Carried)]
    [InlineData(Code.VEX_Vpaddd_ymm_ymm_ymmm256, InstructionClass.Carried)]
    [InlineData(Code.Movsd_xmm_xmmm64, InstructionClass.Carried)]
    [InlineData(Code.Endbr64, InstructionClass.Carried)]
    [InlineData(Code.Movsd_m32_m32, InstructionClass.Footprint)]
    [InlineData(Code.Bts_rm64_r64, InstructionClass.Footprint)]
    [InlineData(Code.Fxsave64_m512byte, InstructionClass.Footprint)]
    [InlineData(Code.VEX_Vpgatherdd_ymm_vm32y_ymm, InstructionClass.Footprint)]
    [InlineData(Code.Enterq_imm16_imm8, InstructionClass.Footprint)]
    [InlineData(Code.Je_rel8_64, InstructionClass.Control)]
    [InlineData(Code.Mov_Sreg_rm16, InstructionClass.Control)]
    [InlineData(Code.Popfq, InstructionClass.Control)]
    [InlineData(Code.Mov_cr_r64, InstructionClass.System)]
    [InlineData(Code.Xgetbv, InstructionClass.System)]
    [InlineData(Code.Rdfsbase_r64, InstructionClass.System)]
    [InlineData(Code.Rdpid_r64, InstructionClass.System)]
    [InlineData(Code.Vmcall, InstructionClass.Absent)]
    [InlineData(Code.EVEX_Vaddps_zmm_k1z_zmm_zmmm512b32_er, InstructionClass.Absent)]
    [InlineData(Code.Movdir64b_r64_m512, InstructionClass.Absent)]
    [InlineData(Code.Wrpkru, InstructionClass.Absent)]
    [InlineData(Code.Incsspq_r64, InstructionClass.Absent)]
    [InlineData(Code.Xabort_imm8, InstructionClass.Absent)]
    [InlineData(Code.VEX_Kmovw_kr_r32, InstructionClass.Absent)]
    [InlineData(Code.INVALID, InstructionClass.Absent)]
    public void Get_Code_HasClass(Code code, InstructionClass expected) => Assert.Equal(expected, InstructionTable.Get(code).Class);

    [Theory]
    [InlineData(Code.Movaps_xmm_xmmm128, 16)]
    [InlineData(Code.Movups_xmm_xmmm128, 0)]
    [InlineData(Code.Paddb_xmm_xmmm128, 16)]
    [InlineData(Code.Addsd_xmm_xmmm64, 0)]
    [InlineData(Code.Pcmpistri_xmm_xmmm128_imm8, 0)]
    [InlineData(Code.VEX_Vpaddb_ymm_ymm_ymmm256, 0)]
    [InlineData(Code.VEX_Vmovaps_ymm_ymmm256, 32)]
    [InlineData(Code.VEX_Vmovntdq_m128_xmm, 16)]
    [InlineData(Code.Cmpxchg16b_m128, 16)]
    [InlineData(Code.Cmpxchg8b_m64, 0)]
    public void Get_Alignment_IsTheManuals(Code code, int expected) => Assert.Equal(expected, InstructionTable.Get(code).Alignment);

    [Theory]
    [InlineData(Code.Mov_rm32_r32, 0x12)]
    [InlineData(Code.Add_rm32_r32, 0x13)]
    [InlineData(Code.Cmp_rm32_r32, 0x03)]
    [InlineData(Code.Cmove_r32_rm32, 0x13)]
    [InlineData(Code.Cmpxchg_rm32_r32, 0x13)]
    [InlineData(Code.Xadd_rm32_r32, 0x33)]
    [InlineData(Code.Bsf_r32_rm32, 0x13)]
    [InlineData(Code.Lea_r64_m, 0x10)]
    [InlineData(Code.VEX_Mulx_r64_r64_rm64, 0x34)]
    public void Get_Access_NamesReadsAndWrites(Code code, int expected) => Assert.Equal(expected, InstructionTable.Get(code).AccessFlags);

    [Fact]
    public void Get_Crc32OfWord_KeepsBothPrefixes()
    {
        ref readonly InstructionEntry entry = ref InstructionTable.Get(Code.Crc32_r32_rm16);
        Assert.Equal(0xF2, entry.Prefix);
        Assert.True(entry.Operand16);
    }

    [Fact]
    public void Get_EveryCarriedRow_HasOnlyPlacedOperands()
    {
        foreach (Code code in Enum.GetValues<Code>())
        {
            ref readonly InstructionEntry entry = ref InstructionTable.Get(code);
            if (entry.Class == InstructionClass.Carried)
            {
                Assert.DoesNotContain(OperandRole.Other, new[] { entry.Op0, entry.Op1, entry.Op2, entry.Op3 });
                Assert.Equal(entry.MemoryBytes != 0, entry.MemoryRead || entry.MemoryWritten);
                Assert.NotEqual(CpuFeature.None, entry.Feature);
            }
        }
    }
}
