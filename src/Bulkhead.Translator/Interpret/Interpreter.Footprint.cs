using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

/// <remarks>What touches memory in its own ways: strings, stack frames, bit tests with a register index, gathers, state saves.</remarks>
internal sealed unsafe partial class Interpreter
{
    /// <summary>Executes one instruction of that class; #UD for any other.</summary>
    private InterpretResult ExecuteFootprint(in Instruction instruction)
    {
        switch (instruction.Code)
        {
            case Code.Movsb_m8_m8:
                return ExecuteMovs(in instruction, 1);
            case Code.Movsw_m16_m16:
                return ExecuteMovs(in instruction, 2);
            case Code.Movsd_m32_m32:
                return ExecuteMovs(in instruction, 4);
            case Code.Movsq_m64_m64:
                return ExecuteMovs(in instruction, 8);
            case Code.Stosb_m8_AL:
                return ExecuteStos(in instruction, 1);
            case Code.Stosw_m16_AX:
                return ExecuteStos(in instruction, 2);
            case Code.Stosd_m32_EAX:
                return ExecuteStos(in instruction, 4);
            case Code.Stosq_m64_RAX:
                return ExecuteStos(in instruction, 8);
            case Code.Lodsb_AL_m8:
                return ExecuteLods(in instruction, 1);
            case Code.Lodsw_AX_m16:
                return ExecuteLods(in instruction, 2);
            case Code.Lodsd_EAX_m32:
                return ExecuteLods(in instruction, 4);
            case Code.Lodsq_RAX_m64:
                return ExecuteLods(in instruction, 8);
            case Code.Scasb_AL_m8:
                return ExecuteScas(in instruction, 1);
            case Code.Scasw_AX_m16:
                return ExecuteScas(in instruction, 2);
            case Code.Scasd_EAX_m32:
                return ExecuteScas(in instruction, 4);
            case Code.Scasq_RAX_m64:
                return ExecuteScas(in instruction, 8);
            case Code.Cmpsb_m8_m8:
                return ExecuteCmps(in instruction, 1);
            case Code.Cmpsw_m16_m16:
                return ExecuteCmps(in instruction, 2);
            case Code.Cmpsd_m32_m32:
                return ExecuteCmps(in instruction, 4);
            case Code.Cmpsq_m64_m64:
                return ExecuteCmps(in instruction, 8);
            case Code.Insb_m8_DX:
                return ExecuteIns(in instruction, 1);
            case Code.Insw_m16_DX:
                return ExecuteIns(in instruction, 2);
            case Code.Insd_m32_DX:
                return ExecuteIns(in instruction, 4);
            case Code.Outsb_DX_m8:
                return ExecuteOuts(in instruction, 1);
            case Code.Outsw_DX_m16:
                return ExecuteOuts(in instruction, 2);
            case Code.Outsd_DX_m32:
                return ExecuteOuts(in instruction, 4);

            case Code.Push_rm16:
                return ExecutePushOperand(in instruction, 2);
            case Code.Push_rm32:
                return ExecutePushOperand(in instruction, 4);
            case Code.Push_rm64:
                return ExecutePushOperand(in instruction, 8);
            case Code.Pop_rm16:
                return ExecutePopOperand(in instruction, 2);
            case Code.Pop_rm32:
                return ExecutePopOperand(in instruction, 4);
            case Code.Pop_rm64:
                return ExecutePopOperand(in instruction, 8);
            case Code.Pushaw:
                return ExecutePushAll(in instruction, 2);
            case Code.Pushad:
                return ExecutePushAll(in instruction, 4);
            case Code.Popaw:
                return ExecutePopAll(in instruction, 2);
            case Code.Popad:
                return ExecutePopAll(in instruction, 4);
            case Code.Enterw_imm16_imm8:
                return ExecuteEnter(in instruction, 2);
            case Code.Enterd_imm16_imm8:
                return ExecuteEnter(in instruction, 4);
            case Code.Enterq_imm16_imm8:
                return ExecuteEnter(in instruction, 8);

            case Code.Xlat_m8:
                return ExecuteXlat(in instruction);
            case Code.Bound_r16_m1616:
                return ExecuteBound(in instruction, 2);
            case Code.Bound_r32_m3232:
                return ExecuteBound(in instruction, 4);
            case Code.Aaa:
                return ExecuteAsciiAdjust(in instruction, subtract: false);
            case Code.Aas:
                return ExecuteAsciiAdjust(in instruction, subtract: true);
            case Code.Daa:
                return ExecuteDecimalAdjust(in instruction, subtract: false);
            case Code.Das:
                return ExecuteDecimalAdjust(in instruction, subtract: true);
            case Code.Aam_imm8:
                return ExecuteAam(in instruction);
            case Code.Aad_imm8:
                return ExecuteAad(in instruction);
            case Code.Salc:
                return ExecuteSalc(in instruction);

            case Code.Clflush_m8 or Code.Clflushopt_m8 or Code.Clwb_m8:
                return ExecuteCacheLine(in instruction);
            case Code.Clzerow or Code.Clzerod or Code.Clzeroq:
                return ExecuteClzero(in instruction);
            case Code.Nop_rm16 or Code.Nop_rm32 or Code.Nop_rm64 or Code.Cldemote_m8 or Code.Endbr32 or Code.Endbr64:
            case Code.Rdsspd_r32 or Code.Rdsspq_r64: // Without shadow stacks these are NOPs.
            case Code.Prefetch_m8 or Code.Prefetchw_m8 or Code.Prefetchwt1_m8 or Code.Prefetchit0_m8 or Code.Prefetchit1_m8:
            case Code.Prefetchnta_m8 or Code.Prefetcht0_m8 or Code.Prefetcht1_m8 or Code.Prefetcht2_m8:
            case Code.Prefetchreserved3_m8 or Code.Prefetchreserved4_m8 or Code.Prefetchreserved5_m8:
            case Code.Prefetchreserved6_m8 or Code.Prefetchreserved7_m8:
            case >= Code.Reservednop_rm16_r16_0F18 and <= Code.Reservednop_rm64_r64_0F1F:
                return Next(in instruction);

            default:
                return ExecuteBitTests(in instruction);
        }
    }

    private InterpretResult ExecuteBitTests(in Instruction instruction)
    {
        switch (instruction.Code)
        {
            case Code.Bt_rm16_r16 or Code.Bt_rm16_imm8:
                return ExecuteBitTest(in instruction, 2, BitOperation.Test);
            case Code.Bt_rm32_r32 or Code.Bt_rm32_imm8:
                return ExecuteBitTest(in instruction, 4, BitOperation.Test);
            case Code.Bt_rm64_r64 or Code.Bt_rm64_imm8:
                return ExecuteBitTest(in instruction, 8, BitOperation.Test);
            case Code.Bts_rm16_r16 or Code.Bts_rm16_imm8:
                return ExecuteBitTest(in instruction, 2, BitOperation.Set);
            case Code.Bts_rm32_r32 or Code.Bts_rm32_imm8:
                return ExecuteBitTest(in instruction, 4, BitOperation.Set);
            case Code.Bts_rm64_r64 or Code.Bts_rm64_imm8:
                return ExecuteBitTest(in instruction, 8, BitOperation.Set);
            case Code.Btr_rm16_r16 or Code.Btr_rm16_imm8:
                return ExecuteBitTest(in instruction, 2, BitOperation.Reset);
            case Code.Btr_rm32_r32 or Code.Btr_rm32_imm8:
                return ExecuteBitTest(in instruction, 4, BitOperation.Reset);
            case Code.Btr_rm64_r64 or Code.Btr_rm64_imm8:
                return ExecuteBitTest(in instruction, 8, BitOperation.Reset);
            case Code.Btc_rm16_r16 or Code.Btc_rm16_imm8:
                return ExecuteBitTest(in instruction, 2, BitOperation.Complement);
            case Code.Btc_rm32_r32 or Code.Btc_rm32_imm8:
                return ExecuteBitTest(in instruction, 4, BitOperation.Complement);
            case Code.Btc_rm64_r64 or Code.Btc_rm64_imm8:
                return ExecuteBitTest(in instruction, 8, BitOperation.Complement);
            default:
                return ExecuteState(in instruction);
        }
    }

    private InterpretResult ExecuteState(in Instruction instruction)
    {
        switch (instruction.Code)
        {
            case Code.Xsave_mem or Code.Xsave64_mem:
                return ExecuteXsave(in instruction, XsaveForm.Plain);
            case Code.Xsaveopt_mem or Code.Xsaveopt64_mem:
                return ExecuteXsave(in instruction, XsaveForm.Optimized);
            case Code.Xsavec_mem or Code.Xsavec64_mem:
                return ExecuteXsave(in instruction, XsaveForm.Compacted);
            case Code.Xrstor_mem or Code.Xrstor64_mem:
                return ExecuteXrstor(in instruction);
            case Code.Fxsave_m512byte or Code.Fxsave64_m512byte:
                return ExecuteFxsave(in instruction);
            case Code.Fxrstor_m512byte or Code.Fxrstor64_m512byte:
                return ExecuteFxrstor(in instruction);
            case Code.Fnstenv_m14byte or Code.Fstenv_m14byte:
                return ExecuteStoreEnvironment(in instruction, 14, instruction.Code == Code.Fstenv_m14byte);
            case Code.Fnstenv_m28byte or Code.Fstenv_m28byte:
                return ExecuteStoreEnvironment(in instruction, 28, instruction.Code == Code.Fstenv_m28byte);
            case Code.Fldenv_m14byte:
                return ExecuteLoadEnvironment(in instruction, 14);
            case Code.Fldenv_m28byte:
                return ExecuteLoadEnvironment(in instruction, 28);
            case Code.Fnsave_m94byte or Code.Fsave_m94byte:
                return ExecuteSaveX87(in instruction, 94, instruction.Code == Code.Fsave_m94byte);
            case Code.Fnsave_m108byte or Code.Fsave_m108byte:
                return ExecuteSaveX87(in instruction, 108, instruction.Code == Code.Fsave_m108byte);
            case Code.Frstor_m94byte:
                return ExecuteRestoreX87(in instruction, 94);
            case Code.Frstor_m108byte:
                return ExecuteRestoreX87(in instruction, 108);
            case Code.Ldmxcsr_m32 or Code.VEX_Vldmxcsr_m32:
                return ExecuteLoadMxcsr(in instruction, instruction.Code == Code.VEX_Vldmxcsr_m32);
            case Code.Stmxcsr_m32 or Code.VEX_Vstmxcsr_m32:
                return ExecuteStoreMxcsr(in instruction, instruction.Code == Code.VEX_Vstmxcsr_m32);
            default:
                return ExecuteMasked(in instruction);
        }
    }

    private InterpretResult ExecuteMasked(in Instruction instruction)
    {
        switch (instruction.Code)
        {
            case Code.VEX_Vpgatherdd_xmm_vm32x_xmm or Code.VEX_Vpgatherdd_ymm_vm32y_ymm:
            case Code.VEX_Vgatherdps_xmm_vm32x_xmm or Code.VEX_Vgatherdps_ymm_vm32y_ymm:
                return ExecuteGather(in instruction, 4, 4);
            case Code.VEX_Vpgatherdq_xmm_vm32x_xmm or Code.VEX_Vpgatherdq_ymm_vm32x_ymm:
            case Code.VEX_Vgatherdpd_xmm_vm32x_xmm or Code.VEX_Vgatherdpd_ymm_vm32x_ymm:
                return ExecuteGather(in instruction, 4, 8);
            case Code.VEX_Vpgatherqd_xmm_vm64x_xmm or Code.VEX_Vpgatherqd_xmm_vm64y_xmm:
            case Code.VEX_Vgatherqps_xmm_vm64x_xmm or Code.VEX_Vgatherqps_xmm_vm64y_xmm:
                return ExecuteGather(in instruction, 8, 4);
            case Code.VEX_Vpgatherqq_xmm_vm64x_xmm or Code.VEX_Vpgatherqq_ymm_vm64y_ymm:
            case Code.VEX_Vgatherqpd_xmm_vm64x_xmm or Code.VEX_Vgatherqpd_ymm_vm64y_ymm:
                return ExecuteGather(in instruction, 8, 8);
            case Code.VEX_Vmaskmovps_xmm_xmm_m128 or Code.VEX_Vmaskmovps_ymm_ymm_m256:
            case Code.VEX_Vpmaskmovd_xmm_xmm_m128 or Code.VEX_Vpmaskmovd_ymm_ymm_m256:
                return ExecuteMaskedLoad(in instruction, 4);
            case Code.VEX_Vmaskmovpd_xmm_xmm_m128 or Code.VEX_Vmaskmovpd_ymm_ymm_m256:
            case Code.VEX_Vpmaskmovq_xmm_xmm_m128 or Code.VEX_Vpmaskmovq_ymm_ymm_m256:
                return ExecuteMaskedLoad(in instruction, 8);
            case Code.VEX_Vmaskmovps_m128_xmm_xmm or Code.VEX_Vmaskmovps_m256_ymm_ymm:
            case Code.VEX_Vpmaskmovd_m128_xmm_xmm or Code.VEX_Vpmaskmovd_m256_ymm_ymm:
                return ExecuteMaskedStore(in instruction, 4);
            case Code.VEX_Vmaskmovpd_m128_xmm_xmm or Code.VEX_Vmaskmovpd_m256_ymm_ymm:
            case Code.VEX_Vpmaskmovq_m128_xmm_xmm or Code.VEX_Vpmaskmovq_m256_ymm_ymm:
                return ExecuteMaskedStore(in instruction, 8);
            case Code.Maskmovdqu_rDI_xmm_xmm or Code.VEX_Vmaskmovdqu_rDI_xmm_xmm:
                return ExecuteMaskMovDqu(in instruction, instruction.Code == Code.VEX_Vmaskmovdqu_rDI_xmm_xmm);
            case Code.Maskmovq_rDI_mm_mm:
                return ExecuteMaskMovQ(in instruction);
            default:
                return FailUd();
        }
    }
}
