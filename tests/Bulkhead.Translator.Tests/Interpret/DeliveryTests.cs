using Bulkhead.Core.Memory;
using Bulkhead.Core.Tests;
using Bulkhead.Translator.Interpret;
using Bulkhead.X86.State;
using Xunit;

namespace Bulkhead.Translator.Tests.Interpret;

public sealed unsafe class DeliveryTests
{
    [Fact]
    public void Int80FromUser_ThenIretq_ComesBackUnchanged()
    {
        using SystemMachine m = new();
        m.SetGate(0x80, dpl: 3);
        m.EnterUser();
        m.R->Rflags |= Rflags.CF | Rflags.DF;
        Segment cs = m.Segment(SegmentIndex.Cs), ss = m.Segment(SegmentIndex.Ss);

        Assert.Equal(InterpretResult.Done, m.Execute(0xCD, 0x80));

        Assert.Equal(SystemMachine.Handler, m.R->Rip);
        Assert.Equal(0, m.R->Cpl);
        Assert.Equal(SystemMachine.KernelStack - 40, m.R->Gpr[4]);
        Assert.Equal(SystemMachine.UserCode + 2, m.Read(m.R->Gpr[4]));
        Assert.Equal(0ul, m.R->Rflags & (Rflags.IF | Rflags.RF));
        Assert.Equal(InterpretResult.Done, m.Execute(0x48, 0xCF));
        Assert.Equal(SystemMachine.UserCode + 2, m.R->Rip);
        Assert.Equal(SystemMachine.UserStack, m.R->Gpr[4]);
        Assert.Equal(cs, m.Segment(SegmentIndex.Cs));
        Assert.Equal(ss, m.Segment(SegmentIndex.Ss));
        Assert.Equal(Rflags.Fixed | Rflags.IF | Rflags.CF | Rflags.DF, m.R->Rflags);
    }

    [Fact]
    public void TryDeliver_PageFaultFromUser_PushesErrorCodeAndRf()
    {
        using SystemMachine m = new();
        m.SetGate(14);
        m.EnterUser();

        Assert.Equal(DeliveryResult.Delivered, m.Interpreter.TryDeliver(GuestFault.PageFault(0x1234, 7)));

        ulong rsp = m.R->Gpr[4];
        Assert.Equal(SystemMachine.KernelStack - 48, rsp);
        Assert.Equal(7ul, m.Read(rsp));
        Assert.Equal(SystemMachine.UserCode, m.Read(rsp + 8));
        Assert.Equal((ulong)SystemMachine.UserCs, m.Read(rsp + 16));
        Assert.Equal(Rflags.Fixed | Rflags.IF | Rflags.RF, m.Read(rsp + 24));
        Assert.Equal(SystemMachine.UserStack, m.Read(rsp + 32));
        Assert.Equal((ulong)SystemMachine.UserDs, m.Read(rsp + 40));
        Assert.Equal(0x1234ul, m.R->Cr2);
        Assert.Equal((ushort)0, m.Segment(SegmentIndex.Ss).Selector);
    }

    [Fact]
    public void DeliverInterrupt_SameLevel_AlignsTheStackAndKeepsSs()
    {
        using SystemMachine m = new();
        m.SetGate(0x30);
        m.R->Gpr[4] = SystemMachine.KernelStack - 0x801;
        m.R->InterruptShadow = 1;
        m.R->Activity = (byte)ActivityState.Halted;

        Assert.Equal(DeliveryResult.Delivered, m.Interpreter.DeliverInterrupt(0x30, InterruptKind.External));

        Assert.Equal(SystemMachine.KernelStack - 0x810 - 40, m.R->Gpr[4]);
        Assert.Equal(SystemMachine.KernelStack - 0x801, m.Read(m.R->Gpr[4] + 24));
        Assert.Equal(SystemMachine.KernelDs, m.Segment(SegmentIndex.Ss).Selector);
        Assert.Equal(0, m.R->InterruptShadow);
        Assert.Equal((byte)ActivityState.Active, m.R->Activity);
    }

    [Fact]
    public void DeliverInterrupt_NmiOnIst_SwitchesStackAndBlocksUntilIret()
    {
        using SystemMachine m = new();
        m.SetGate(2, ist: 1);
        ulong rsp = m.R->Gpr[4];

        Assert.Equal(DeliveryResult.Delivered, m.Interpreter.DeliverInterrupt(2, InterruptKind.Nmi));
        Assert.Equal(SystemMachine.IstStack - 40, m.R->Gpr[4]);
        Assert.Equal(1, m.R->NmiBlocked);
        Assert.Equal(InterpretResult.Done, m.Execute(0x48, 0xCF));

        Assert.Equal(rsp, m.R->Gpr[4]);
        Assert.Equal(SystemMachine.KernelCode, m.R->Rip);
        Assert.Equal(0, m.R->NmiBlocked);
    }

    [Fact]
    public void Int_GateAboveCpl_IsGeneralProtectionWithTheVector()
    {
        using SystemMachine m = new();
        m.SetGate(0x21);
        m.EnterUser();

        Assert.Equal(InterpretResult.Fault, m.Execute(0xCD, 0x21));

        Assert.Equal(GuestFault.Gp((0x21 * 8) | 2), m.Interpreter.Fault);
        Assert.Equal(SystemMachine.UserCode, m.R->Rip);
    }

    [Fact]
    public void TryDeliver_ContributoryWhileDelivering_IsDoubleFault()
    {
        using SystemMachine m = new();
        m.SetGate(13, present: false);
        m.SetGate(8, ist: 1);

        Assert.Equal(DeliveryResult.Delivered, m.Interpreter.TryDeliver(GuestFault.Gp()));

        Assert.Equal(SystemMachine.IstStack - 48, m.R->Gpr[4]);
        Assert.Equal(0ul, m.Read(m.R->Gpr[4]));
        Assert.Equal(SystemMachine.KernelCode, m.Read(m.R->Gpr[4] + 8));
    }

    [Fact]
    public void TryDeliver_NoDoubleFaultHandler_IsTripleFault()
    {
        using SystemMachine m = new();

        Assert.Equal(DeliveryResult.TripleFault, m.Interpreter.TryDeliver(GuestFault.PageFault(0, 0)));
    }

    [Fact]
    public void TryDeliver_PageFaultOnTheHandlersStack_IsDoubleFaultWithTheSecondCr2()
    {
        using SystemMachine m = new();
        m.SetGate(14);
        m.SetGate(8, ist: 1);
        m.R->Gpr[4] = 0x4000_0000;

        Assert.Equal(DeliveryResult.Delivered, m.Interpreter.TryDeliver(GuestFault.PageFault(0x77, 0)));

        Assert.Equal(0x4000_0000ul - 48, m.R->Cr2);
        Assert.Equal(SystemMachine.IstStack - 48, m.R->Gpr[4]);
    }

    [Fact]
    public void DeliverDebug_SetsBsAndClearsTf()
    {
        using SystemMachine m = new();
        m.SetGate(1);
        m.R->Rflags |= Rflags.TF;

        Assert.Equal(DeliveryResult.Delivered, m.Interpreter.DeliverDebug(Dr6.BS));

        Assert.NotEqual(0ul, m.R->Dr6 & (1 << 14));
        Assert.Equal(0ul, m.R->Rflags & Rflags.TF);
        Assert.Equal(Rflags.Fixed | Rflags.TF, m.Read(m.R->Gpr[4] + 16));
    }

    [Fact]
    public void Int80FromUser_ProtectedMode32_RoundTripsThroughTheTss()
    {
        using SystemMachine m = new(longMode: false);
        m.SetGate(0x80, dpl: 3, trap: true);
        m.EnterUser(longMode: false);

        Assert.Equal(InterpretResult.Done, m.Execute(0xCD, 0x80));
        Assert.Equal(SystemMachine.KernelStack - 20, m.R->Gpr[4]);
        Assert.Equal(SystemMachine.KernelDs, m.Segment(SegmentIndex.Ss).Selector);
        Assert.NotEqual(0ul, m.R->Rflags & Rflags.IF);
        Assert.Equal(InterpretResult.Done, m.Execute(0xCF));

        Assert.Equal(3, m.R->Cpl);
        Assert.Equal(SystemMachine.UserCode + 2, m.R->Rip);
        Assert.Equal(SystemMachine.UserStack, m.R->Gpr[4]);
        Assert.True(m.Segment(SegmentIndex.Ds).Unusable);
    }

    [Fact]
    public void Int10_RealMode_RoundTripsThroughTheVectorTable()
    {
        using SystemMachine m = new();
        PowerUp.Reset(ref *m.R, 0);
        PowerUp.StartUp(ref *m.R, 0x10);
        m.R->Gpr[4] = 0x7000;
        m.R->Rflags |= Rflags.IF;
        m.Write(0x40, 0xF000_1234);

        Assert.Equal(InterpretResult.Done, m.Execute(0xCD, 0x10));
        Assert.Equal((0xF_0000ul, 0x1234ul, 0x6FFAul), (m.Segment(SegmentIndex.Cs).Base, m.R->Rip, m.R->Gpr[4]));
        Assert.Equal(0ul, m.R->Rflags & Rflags.IF);
        Assert.Equal(InterpretResult.Done, m.Execute(0xCF));

        Assert.Equal((0x1_0000ul, 2ul, 0x7000ul), (m.Segment(SegmentIndex.Cs).Base, m.R->Rip, m.R->Gpr[4]));
        Assert.NotEqual(0ul, m.R->Rflags & Rflags.IF);
    }

    [Fact]
    public void Iretq_BadSelectors_FaultAndChangeNothing()
    {
        using SystemMachine m = new();
        m.R->Gpr[4] = 0xF000;
        m.Write(0xF000, SystemMachine.UserCode);
        m.Write(0xF008, SystemMachine.UserCs);
        m.Write(0xF010, Rflags.Fixed);
        m.Write(0xF018, SystemMachine.UserStack);
        m.Write(0xF020, SystemMachine.KernelDs);
        Registers before = *m.R;

        Assert.Equal(InterpretResult.Fault, m.Execute(0x48, 0xCF));
        Assert.Equal(GuestFault.Gp(SystemMachine.KernelDs), m.Interpreter.Fault);
        m.Write(0xF000, 0x8000_0000_0000);
        Assert.Equal(InterpretResult.Fault, m.Execute(0x48, 0xCF));
        Assert.Equal(GuestFault.Gp(), m.Interpreter.Fault);

        Assert.Equal(before.Rip, m.R->Rip);
        Assert.Equal(before.Gpr[4], m.R->Gpr[4]);
        Assert.Equal(before.Segments[(int)SegmentIndex.Cs], m.Segment(SegmentIndex.Cs));
    }

    [Fact]
    public void DeliverInterrupt_TheWholePath_AllocatesNothing()
    {
        using SystemMachine m = new();
        m.SetGate(0x30);

        Assert.Equal(0, Allocations.LeastBytes(() => m.Interpreter.DeliverInterrupt(0x30, InterruptKind.External)));
    }
}
