using Bulkhead.Core.Memory;
using Bulkhead.Translator.Interpret;
using Bulkhead.X86.Engine;
using Bulkhead.X86.Memory;
using Bulkhead.X86.Msrs;
using Bulkhead.X86.State;
using Xunit;

namespace Bulkhead.Translator.Tests.Interpret;

public sealed unsafe class SystemTests
{
    [Fact]
    public void SyscallThenSysret_RoundTrip()
    {
        using SystemMachine m = new();
        m.R->Star = (0x23ul << 48) | (0x10ul << 32);
        m.R->Lstar = SystemMachine.Handler;
        m.R->Sfmask = Rflags.IF | Rflags.DF;
        m.EnterUser();
        m.R->Rflags |= Rflags.DF;
        Segment cs = m.Segment(SegmentIndex.Cs), ss = m.Segment(SegmentIndex.Ss);

        Assert.Equal(InterpretResult.Done, m.Execute(0x0F, 0x05));
        Assert.Equal((SystemMachine.Handler, 0), (m.R->Rip, m.R->Cpl));
        Assert.Equal(Rflags.Fixed, m.R->Rflags);
        Assert.Equal(SystemMachine.UserCode + 2, m.R->Gpr[1]);
        Assert.Equal(InterpretResult.Done, m.Execute(0x48, 0x0F, 0x07));

        Assert.Equal(SystemMachine.UserCode + 2, m.R->Rip);
        Assert.Equal(Rflags.Fixed | Rflags.IF | Rflags.DF, m.R->Rflags);
        Assert.Equal(cs, m.Segment(SegmentIndex.Cs));
        Assert.Equal(ss, m.Segment(SegmentIndex.Ss));
    }

    [Fact]
    public void MovCr0_PagingWithLme_ActivatesLongMode()
    {
        using SystemMachine m = new(longMode: false);
        m.R->Efer = Efer.LME;
        m.R->Gpr[0] = m.R->Cr0 | Cr0.PG;

        Assert.Equal(InterpretResult.Fault, m.Execute(0x0F, 0x22, 0xC0));
        Assert.Equal(GuestFault.Gp(), m.Interpreter.Fault);
        m.R->Cr4 = Cr4.PAE;
        Assert.Equal(InterpretResult.Done, m.Execute(0x0F, 0x22, 0xC0));

        Assert.True(m.R->LongMode);
        Assert.Equal(1, m.Flushes);
        Assert.Equal(1, m.Exits[ExitReason.ControlRegister]);
    }

    [Theory]
    [InlineData(Cr4.PAE | Cr4.LA57)]
    [InlineData(Cr4.PAE | Cr4.VMXE)]
    [InlineData(Cr4.PGE)]
    [InlineData(1ul << 40)]
    public void MovCr4_NotAllowed_IsGeneralProtection(ulong value)
    {
        using SystemMachine m = new();
        m.R->Gpr[0] = value;

        Assert.Equal(InterpretResult.Fault, m.Execute(0x0F, 0x22, 0xE0));

        Assert.Equal(GuestFault.Gp(), m.Interpreter.Fault);
        Assert.Equal(Cr4.PAE, m.R->Cr4);
    }

    [Fact]
    public void MovCr3_WithPcid_DropsTheNoFlushBit()
    {
        using SystemMachine m = new();
        m.R->Cr4 |= Cr4.PCIDE;
        m.R->Gpr[0] = (1ul << 63) | 0x5003;

        Assert.Equal(InterpretResult.Done, m.Execute(0x0F, 0x22, 0xD8));

        Assert.Equal(0x5003ul, m.R->Cr3);
    }

    [Fact]
    public void Sti_OpensAShadowOfOneInstruction()
    {
        using SystemMachine m = new();

        Assert.Equal(InterpretResult.Done, m.Execute(0xFB));
        Assert.Equal(1, m.R->InterruptShadow);
        Assert.Equal(InterpretResult.Done, m.Execute(0xF3, 0x90));
        Assert.Equal(0, m.R->InterruptShadow);
        Assert.Equal(InterpretResult.Done, m.Execute(0xFB));
        Assert.Equal(0, m.R->InterruptShadow);
        m.R->Gpr[0] = SystemMachine.KernelDs;
        Assert.Equal(InterpretResult.Done, m.Execute(0x8E, 0xD0));
        Assert.Equal(2, m.R->InterruptShadow);
    }

    [Fact]
    public void PrivilegedInstructions_InUserCode_AreGeneralProtection()
    {
        using SystemMachine m = new();
        m.EnterUser();
        m.R->Cr4 |= Cr4.TSD | Cr4.UMIP;
        byte[][] codes =
        [
            [0xF4], [0xFA], [0xFB], [0x0F, 0x30], [0x0F, 0x32], [0x0F, 0x20, 0xC0], [0x0F, 0x22, 0xC0], [0x0F, 0x06], [0x0F, 0x09], [0x0F, 0x01, 0x38],
            [0x0F, 0x01, 0x10], [0x0F, 0x00, 0xD8], [0x0F, 0x21, 0xF8], [0x0F, 0x31], [0x0F, 0x01, 0x00], [0x0F, 0x00, 0xC0], [0x0F, 0x01, 0xE0],
            [0x0F, 0x01, 0xF8], [0xE4, 0x60], [0x0F, 0x07],
        ];
        foreach (byte[] code in codes)
        {
            m.R->Gpr[0] = SystemMachine.UserStack;

            Assert.Equal(InterpretResult.Fault, m.Execute(code));
            Assert.Equal(GuestFault.Gp(), m.Interpreter.Fault);
        }

        Assert.Equal(SystemMachine.UserCode, m.R->Rip);
    }

    [Fact]
    public void Popf_InUserCode_LeavesIfAndIopl()
    {
        using SystemMachine m = new();
        m.EnterUser();
        m.Write(SystemMachine.UserStack, Rflags.IOPL | Rflags.CF | Rflags.AC | Rflags.TF | Rflags.VM | Rflags.RF);

        Assert.Equal(InterpretResult.Done, m.Execute(0x9D));

        Assert.Equal(Rflags.Fixed | Rflags.IF | Rflags.CF | Rflags.AC | Rflags.TF, m.R->Rflags);
        Assert.Equal(SystemMachine.UserStack + 8, m.R->Gpr[4]);
    }

    [Fact]
    public void Pushf_HidesRfAndVm()
    {
        using SystemMachine m = new();
        m.R->Rflags = Rflags.Fixed | Rflags.RF | Rflags.IF;

        Assert.Equal(InterpretResult.Done, m.Execute(0x9C));

        Assert.Equal(Rflags.Fixed | Rflags.IF, m.Read(m.R->Gpr[4]));
    }

    [Fact]
    public void In_UserCode_FollowsTheBitMap()
    {
        using SystemMachine m = new();
        m.EnterUser();
        m.Write(SystemMachine.Tss + 0x64, 0x0068_0000);
        m.Write(SystemMachine.Tss + 0x68, 0xFFFF_FFFF_FFFF_FF00);
        m.Write(SystemMachine.Tss + 0x70, ulong.MaxValue);

        Assert.Equal(InterpretResult.Done, m.Execute(0xE4, 0x07));
        Assert.Equal(7ul, m.R->Gpr[0] & 0xFF);
        Assert.Equal(InterpretResult.Fault, m.Execute(0x66, 0xE5, 0x07));
        Assert.Equal(GuestFault.Gp(), m.Interpreter.Fault);
        m.R->Rflags |= Rflags.IOPL;
        Assert.Equal(InterpretResult.Done, m.Execute(0x66, 0xE5, 0x07));
    }

    [Fact]
    public void Out_Kernel_ReachesTheBus()
    {
        using SystemMachine m = new();
        m.R->Gpr[0] = 0x1122_3344;
        m.R->Gpr[2] = 0x3F8;

        Assert.Equal(InterpretResult.Done, m.Execute(0xEF));

        Assert.Equal(0x3F8, m.LastOut.Port);
        Assert.Equal([0x44, 0x33, 0x22, 0x11], m.LastOut.Data);
        Assert.Equal(1, m.Exits[ExitReason.Io]);
    }

    [Fact]
    public void Ltr_MarksBusy_AndLarLslSeeIt()
    {
        using SystemMachine m = new();
        m.R->Gpr[0] = SystemMachine.TssSelector;

        Assert.Equal(InterpretResult.Done, m.Execute(0x0F, 0x00, 0xD8));
        Assert.Equal(11u, m.Segment(SegmentIndex.Tr).Type);
        Assert.Equal(SystemMachine.Tss, m.Segment(SegmentIndex.Tr).Base);
        Assert.Equal(InterpretResult.Done, m.Execute(0x0F, 0x02, 0xC8)); // LAR ecx, eax
        Assert.Equal(0x8B00ul, m.R->Gpr[1]);
        Assert.Equal(InterpretResult.Done, m.Execute(0x0F, 0x03, 0xD0)); // LSL edx, eax
        Assert.Equal(0x2067ul, m.R->Gpr[2]);
        Assert.NotEqual(0ul, m.R->Rflags & Rflags.ZF);
        Assert.Equal(InterpretResult.Fault, m.Execute(0x0F, 0x00, 0xD8));
        Assert.Equal(GuestFault.Gp(SystemMachine.TssSelector), m.Interpreter.Fault);
    }

    [Fact]
    public void MovFs_NullClearsBase_AndBadSelectorFaults()
    {
        using SystemMachine m = new();
        m.R->Segments[(int)SegmentIndex.Fs].Base = 0x1234;

        Assert.Equal(InterpretResult.Done, m.Execute(0x8E, 0xE0));
        Assert.True(m.Segment(SegmentIndex.Fs).Unusable);
        Assert.Equal(0ul, m.Segment(SegmentIndex.Fs).Base);
        m.R->Gpr[0] = 0x88;
        Assert.Equal(InterpretResult.Fault, m.Execute(0x8E, 0xE0));
        Assert.Equal(GuestFault.Gp(0x88), m.Interpreter.Fault);
    }

    [Fact]
    public void FarJump_ToCompatibilityCode_AndBackByFarReturn()
    {
        using SystemMachine m = new();
        m.R->Gpr[0] = 0xE000;
        m.Write(0xE000, (0x08ul << 32) | 0x10_2000);

        Assert.Equal(InterpretResult.Done, m.Execute(0xFF, 0x28)); // JMP FAR m16:32 [rax]
        Assert.Equal((32, 0x10_2000ul), (m.R->CodeBits, m.R->Rip));
        m.R->Gpr[4] = 0xF000;
        m.Write(0xF000, (0x10ul << 32) | 0x10_3000);
        Assert.Equal(InterpretResult.Done, m.Execute(0xCB));

        Assert.Equal((64, 0x10_3000ul, 0xF008ul), (m.R->CodeBits, m.R->Rip, m.R->Gpr[4]));
    }

    [Fact]
    public void FarCall_StackFault_LeavesCsAndStack()
    {
        using SystemMachine m = new();
        m.R->Gpr[0] = 0xE000;
        m.R->Gpr[4] = 0x4000_0008;
        m.Write(0xE000, (0x10ul << 32) | 0x10_2000);

        Assert.Equal(InterpretResult.Fault, m.Execute(0xFF, 0x18));

        Assert.Equal(GuestFault.PageFaultVector, m.Interpreter.Fault.Vector);
        Assert.Equal((SystemMachine.KernelCode, 0x4000_0008ul), (m.R->Rip, m.R->Gpr[4]));
    }

    [Fact]
    public void Wrmsr_NonCanonicalBase_IsGeneralProtection()
    {
        using SystemMachine m = new();
        m.R->Gpr[1] = Msr.GsBase;
        m.R->Gpr[2] = 0x8000;

        Assert.Equal(InterpretResult.Fault, m.Execute(0x0F, 0x30));
        Assert.Equal(GuestFault.Gp(), m.Interpreter.Fault);
        m.R->Gpr[2] = 0xFFFF_8000;
        Assert.Equal(InterpretResult.Done, m.Execute(0x0F, 0x30));
        Assert.Equal(0xFFFF_8000_0000_0000, m.Segment(SegmentIndex.Gs).Base);
        Assert.Equal(InterpretResult.Done, m.Execute(0x0F, 0x01, 0xF8)); // SWAPGS
        Assert.Equal(0xFFFF_8000_0000_0000, m.R->KernelGsBase);
    }

    [Fact]
    public void Rdmsr_DeviceAndUnknown_GoToTheBusAndFault()
    {
        using SystemMachine m = new();
        m.R->Gpr[1] = Msr.ApicBase;

        Assert.Equal(InterpretResult.Done, m.Execute(0x0F, 0x32));
        Assert.Equal(0xFEE0_0900ul, m.R->Gpr[0]);
        m.R->Gpr[1] = 0xC001_0000;
        Assert.Equal(InterpretResult.Fault, m.Execute(0x0F, 0x32));
    }

    [Fact]
    public void Rdtsc_AddsTheGuestsAdjustment()
    {
        using SystemMachine m = new();
        m.R->TscAdjust = 24;

        Assert.Equal(InterpretResult.Done, m.Execute(0x0F, 0x31));

        Assert.Equal((1024ul, 0ul), (m.R->Gpr[0], m.R->Gpr[2]));
    }

    [Fact]
    public void Cpuid_ShowsTheHypervisor()
    {
        using SystemMachine m = new();
        m.R->Gpr[0] = 0x4000_0000;

        Assert.Equal(InterpretResult.Done, m.Execute(0x0F, 0xA2));

        Assert.Equal(0x6B6C_7542ul, m.R->Gpr[3]);
        Assert.Equal(SystemMachine.KernelCode + 2, m.R->Rip);
    }

    [Fact]
    public void TryWriteBytes_SecondPageAbsent_WritesNothing()
    {
        using SystemMachine m = new();
        m.Write(SystemMachine.PageTable + (0x51 * 8), 0);
        m.Write(0x5_0FF8, 0);

        Assert.False(m.Interpreter.TryWriteBytes(0x5_0FFC, [1, 2, 3, 4, 5, 6, 7, 8], m.Interpreter.DataAccess(true)));

        Assert.Equal(GuestFault.PageFault(0x5_1000, PageFaultCode.W), m.Interpreter.Fault);
        Assert.Equal(0ul, m.Read(0x5_0FF8));
    }

    [Fact]
    public void TryRead_OutsideRam_IsMmio()
    {
        using SystemMachine m = new();
        m.Write(SystemMachine.PageTable + (0x51 * 8), 0xFEE0_0000 | 3);

        Assert.True(m.Interpreter.TryRead(0x5_1020, 4, Access.Read, out ulong value));

        Assert.Equal(0xA5A5_A5A5ul, value);
        Assert.Equal(1, m.Exits[ExitReason.EptViolation]);
    }

    [Fact]
    public void Invlpg_FlushesOnePage_AndHltHalts()
    {
        using SystemMachine m = new();
        m.R->Gpr[0] = 0x5_1234;

        Assert.Equal(InterpretResult.Done, m.Execute(0x0F, 0x01, 0x38));
        Assert.Equal(0x5_1234ul, m.FlushedPage);
        Assert.Equal(InterpretResult.Halt, m.Execute(0xF4));

        Assert.Equal((byte)ActivityState.Halted, m.R->Activity);
        Assert.Equal(SystemMachine.KernelCode + 4, m.R->Rip);
    }

    [Fact]
    public void SmapAccess_UserPageFromKernel_FaultsUnlessAc()
    {
        using SystemMachine m = new();
        m.R->Cr4 |= Cr4.SMAP;

        Assert.False(m.Interpreter.TryRead(SystemMachine.UserCode, 8, m.Interpreter.DataAccess(false), out _));
        Assert.Equal(GuestFault.PageFault(SystemMachine.UserCode, PageFaultCode.P), m.Interpreter.Fault);
        Assert.Equal(InterpretResult.Done, m.Execute(0x0F, 0x01, 0xCB)); // STAC

        Assert.True(m.Interpreter.TryRead(SystemMachine.UserCode, 8, m.Interpreter.DataAccess(false), out _));
    }

    [Fact]
    public void Sysenter_LongModeOnAmd_IsInvalidOpcode()
    {
        using SystemMachine m = new();
        m.R->SysenterCs = 0x10;

        Assert.Equal(InterpretResult.Fault, m.Execute(0x0F, 0x34));

        Assert.Equal(GuestFault.Ud, m.Interpreter.Fault);
    }

    [Fact]
    public void RealModeToProtectedMode_ByFarJump_LoadsTheDescriptor()
    {
        using SystemMachine m = new();
        PowerUp.Reset(ref *m.R, 0);
        PowerUp.StartUp(ref *m.R, 0x10);
        m.R->GdtBase = SystemMachine.Gdt;
        m.R->GdtLimit = 0x7F;
        m.R->Gpr[0] = Cr0.PE | Cr0.ET;

        Assert.Equal(InterpretResult.Done, m.Execute(0x0F, 0x22, 0xC0));
        Assert.Equal(InterpretResult.Done, m.Execute(0x66, 0xEA, 0x00, 0x20, 0x10, 0x00, 0x08, 0x00));

        Assert.Equal((32, 0x10_2000ul, 0), (m.R->CodeBits, m.R->Rip, m.R->Cpl));
    }
}
