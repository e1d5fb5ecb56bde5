using Bulkhead.Devices.Chipset;
using Xunit;

namespace Bulkhead.Devices.Tests.Chipset;

public sealed class LocalApicTests
{
    [Fact]
    public void Registers_AtPowerUp_AsTheManualSays()
    {
        var rig = new ApicRig(2, enable: false);
        Assert.Equal(0x0100_0000u, rig.Apics[1].In32(0x20));
        Assert.Equal(0x0005_0014u, rig.Apic.In32(0x30));
        Assert.Equal(0xFFu, rig.Apic.In32(0xF0));
        Assert.Equal(0xFFFF_FFFFu, rig.Apic.In32(0xE0));
        Assert.Equal(0x0001_0000u, rig.Apics[1].In32(0x350));
        Assert.Equal(0x0000_0700u, rig.Apic.In32(0x350));
        Assert.True(rig.Apic.TryReadMsr(0x1B, out ulong value));
        Assert.Equal(0xFEE0_0900UL, value);
        Assert.True(rig.Apics[1].TryReadMsr(0x1B, out value));
        Assert.Equal(0xFEE0_0800UL, value);
    }

    [Fact]
    public void SelfIpi_Fixed_TakenByPriorityAndEnded()
    {
        var rig = new ApicRig();
        rig.Apic.Out32(0x300, 0x4_0031);
        rig.Apic.Out32(0x300, 0x4_0052);
        Assert.Equal(2, rig.Signals[0].Kicks);
        Assert.Equal(0x52, rig.Take());
        Assert.Equal(0x50u, rig.Apic.In32(0xA0));
        Assert.Equal(-1, rig.Take());
        Assert.Equal(1u << 0x12, rig.Apic.In32(0x120));
        rig.Eoi();
        Assert.Equal(0x31, rig.Take());
        rig.Eoi();
        Assert.Equal(-1, rig.Take());
        Assert.Equal(0u, rig.Apic.In32(0xA0));
    }

    [Fact]
    public void Eoi_UncoversLowerInterrupt_KicksTheVcpu()
    {
        var rig = new ApicRig();
        rig.Apic.Out32(0x300, 0x4_0051);
        rig.Take();
        rig.Apic.Out32(0x300, 0x4_0052);
        int kicks = rig.Signals[0].Kicks;
        rig.Eoi();
        Assert.True(rig.Signals[0].Kicks > kicks);
    }

    [Fact]
    public void TaskPriority_Raised_HoldsBackItsClass()
    {
        var rig = new ApicRig();
        rig.Apic.TaskPriority = 5;
        Assert.Equal(0x50u, rig.Apic.In32(0x80));
        rig.Apic.Out32(0x300, 0x4_005F);
        Assert.False(rig.Apic.HasPending);
        rig.Apic.TaskPriority = 4;
        Assert.Equal(0x5F, rig.Take());
        rig.Apic.Out32(0x80, 0x23);
        Assert.Equal(2, rig.Apic.TaskPriority);
    }

    [Fact]
    public void SameVector_TwiceBeforeTaken_OneInterrupt()
    {
        var rig = new ApicRig();
        rig.Apic.Out32(0x300, 0x4_0040);
        rig.Apic.Out32(0x300, 0x4_0040);
        Assert.Equal(0x40, rig.Take());
        rig.Apic.Out32(0x300, 0x4_0040);
        rig.Eoi();
        Assert.Equal(0x40, rig.Take());
        rig.Eoi();
        Assert.Equal(-1, rig.Take());
    }

    [Fact]
    public void Ipi_PhysicalDestination_ReachesOnlyIt()
    {
        var rig = new ApicRig(3);
        rig.Apic.Out32(0x310, 2u << 24);
        rig.Apic.Out32(0x300, 0x0_40FD);
        Assert.Equal(-1, rig.Take(0));
        Assert.Equal(-1, rig.Take(1));
        Assert.Equal(0xFD, rig.Take(2));
        Assert.Equal(2u << 24, rig.Apic.In32(0x310));
        Assert.Equal(0x40FDu, rig.Apic.In32(0x300));
    }

    [Fact]
    public void Ipi_LogicalFlatAndCluster_MatchLdr()
    {
        var rig = new ApicRig(3);
        for (int i = 0; i < 3; i++)
        {
            rig.Apics[i].Out32(0xD0, 1u << (24 + i));
        }

        rig.Apic.Out32(0x310, 6u << 24);
        rig.Apic.Out32(0x300, 0x0840 | 0xF);
        Assert.Equal([-1, 0x4F, 0x4F], [rig.Take(0), rig.Take(1), rig.Take(2)]);
        for (int i = 0; i < 3; i++)
        {
            rig.Apics[i].Out32(0xE0, 0x0FFF_FFFF);
            rig.Apics[i].Out32(0xD0, (uint)(((i / 2) << 4) | (1 << (i % 2))) << 24);
            rig.Eoi(i);
        }

        rig.Apic.Out32(0x310, 0x13u << 24);
        rig.Apic.Out32(0x300, 0x0850);
        Assert.Equal([-1, -1, 0x50], [rig.Take(0), rig.Take(1), rig.Take(2)]);
    }

    [Fact]
    public void Ipi_Shorthands_ReachThoseNamed()
    {
        var rig = new ApicRig(3);
        rig.Apics[1].Out32(0x300, 0xC_0041);
        Assert.Equal([0x41, -1, 0x41], [rig.Take(0), rig.Take(1), rig.Take(2)]);
        rig.Apics[1].Out32(0x300, 0x8_0052);
        Assert.Equal([0x52, 0x52, 0x52], [rig.Take(0), rig.Take(1), rig.Take(2)]);
    }

    [Fact]
    public void Ipi_LowestPriority_PicksTheIdlest()
    {
        var rig = new ApicRig(3);
        for (int i = 0; i < 3; i++)
        {
            rig.Apics[i].Out32(0xD0, 1u << (24 + i));
            rig.Apics[i].TaskPriority = (byte)(3 - i);
        }

        rig.Apic.Out32(0x310, 7u << 24);
        rig.Apic.Out32(0x300, 0x0961);
        Assert.Equal([-1, -1, 0x61], [rig.Take(0), rig.Take(1), rig.Take(2)]);
    }

    [Fact]
    public void InitThenStartUp_ResetsAndStartsTheTarget()
    {
        var rig = new ApicRig(2);
        rig.Apic.Out32(0x310, 1u << 24);
        rig.Apic.Out32(0x300, 0xC500);
        rig.Apic.Out32(0x300, 0x8500);
        Assert.Equal(1, rig.Signals[1].Inits);
        Assert.Equal(0xFFu, rig.Apics[1].In32(0xF0));
        rig.Apic.Out32(0x300, 0x0699);
        Assert.Equal([(byte)0x99], rig.Signals[1].StartUps);
        rig.Apic.Out32(0x300, 0x0400);
        Assert.Equal(1, rig.Signals[1].Nmis);
    }

    [Fact]
    public void IllegalVector_Sent_ShowsInEsrAndRaisesErrorLvt()
    {
        var rig = new ApicRig();
        rig.Apic.Out32(0x370, 0xFE);
        rig.Apic.Out32(0x300, 0x4_0005);
        Assert.Equal(0u, rig.Apic.In32(0x280));
        rig.Apic.Out32(0x280, 0);
        Assert.Equal(0x20u, rig.Apic.In32(0x280));
        Assert.Equal(0xFE, rig.Take());
        rig.Apic.Out32(0x280, 0);
        Assert.Equal(0u, rig.Apic.In32(0x280));
    }

    [Fact]
    public void SoftwareDisabled_MasksLvtsAndRefusesFixed()
    {
        var rig = new ApicRig();
        rig.Apic.Out32(0x320, 0x40);
        rig.Apic.Out32(0xF0, 0xFF);
        Assert.Equal(0x1_0040u, rig.Apic.In32(0x320));
        Assert.False(rig.Bus.Deliver(0, false, DeliveryMode.Fixed, 0x41, false));
        rig.Apic.Out32(0x320, 0x40);
        Assert.Equal(0x1_0040u, rig.Apic.In32(0x320));
    }

    [Fact]
    public void Lint1_Nmi_RaisedOnEdge()
    {
        var rig = new ApicRig(2);
        rig.Apics[1].Out32(0x360, 0x400);
        rig.Bus.SetPin(ApicBus.NmiPin, true);
        rig.Bus.SetPin(ApicBus.NmiPin, true);
        Assert.Equal(1, rig.Signals[0].Nmis);
        Assert.Equal(1, rig.Signals[1].Nmis);
    }

    [Fact]
    public void VirtualWire_PicInterrupt_ReachesBootstrapUntilMasked()
    {
        var rig = new ApicRig(enable: false);
        rig.Pic.MasterPorts.Out8(0, 0x11);
        rig.Pic.MasterPorts.Out8(1, 0x30);
        rig.Pic.MasterPorts.Out8(1, 0x04);
        rig.Pic.MasterPorts.Out8(1, 0x01);
        rig.Router.SetPin(0, true);
        Assert.Equal(1, rig.Signals[0].Kicks);
        Assert.Equal(0x30, rig.Take());
        Assert.Equal(-1, rig.Take());
        rig.Pic.MasterPorts.Out8(0, 0x20);
        rig.Apic.Out32(0xF0, 0x1FF);
        rig.Apic.Out32(0x350, 0x1_0700);
        rig.Router.SetPin(0, false);
        rig.Router.SetPin(0, true);
        Assert.Equal(-1, rig.Take());
        rig.Apic.Out32(0x350, 0x0700);
        Assert.Equal(0x30, rig.Take());
    }

    [Fact]
    public void X2Apic_Enabled_MsrsInsteadOfPage()
    {
        var rig = new ApicRig(2);
        Assert.False(rig.Apic.TryReadMsr(0x802, out _));
        foreach (LocalApic apic in rig.Apics)
        {
            Assert.True(apic.TryReadMsr(0x1B, out ulong value));
            Assert.True(apic.TryWriteMsr(0x1B, value | 0x400));
            Assert.False(apic.TryWriteMsr(0x1B, value));
        }

        Assert.True(rig.Apics[1].TryReadMsr(0x802, out ulong id));
        Assert.Equal(1UL, id);
        Assert.True(rig.Apics[1].TryReadMsr(0x80D, out ulong ldr));
        Assert.Equal(2UL, ldr);
        Assert.Equal(0xFFFF_FFFFu, rig.Apic.In32(0x30));
        Assert.True(rig.Apic.TryWriteMsr(0x830, (2UL << 32) | 0x0877));
        Assert.Equal(0x77, rig.Take(1));
        Assert.True(rig.Apics[1].TryWriteMsr(0x80B, 0));
        Assert.False(rig.Apics[1].TryWriteMsr(0x80B, 1));
        Assert.True(rig.Apics[1].TryWriteMsr(0x83F, 0x66));
        Assert.Equal(0x66, rig.Take(1));
        Assert.False(rig.Apic.TryWriteMsr(0x831, 0));
        Assert.True(rig.Apic.TryWriteMsr(0x830, (0xFFFF_FFFFUL << 32) | 0x0044));
        Assert.Equal(0x44, rig.Take(0));
    }

    [Fact]
    public void Timer_OneShot_CountsDownAndFiresOnce()
    {
        var rig = new ApicRig();
        rig.Apic.Out32(0x3E0, 0x3);
        rig.Apic.Out32(0x320, 0xEC);
        rig.Apic.Out32(0x380, 1000);
        Assert.Equal(1000u, rig.Apic.In32(0x390));
        rig.Clock.Advance(8000, rig.Timers);
        Assert.Equal(500u, rig.Apic.In32(0x390));
        rig.Clock.Advance(7999, rig.Timers);
        Assert.Equal(-1, rig.Take());
        rig.Clock.Advance(1, rig.Timers);
        Assert.Equal(0u, rig.Apic.In32(0x390));
        Assert.Equal(0xEC, rig.Take());
        rig.Eoi();
        rig.Clock.Advance(1_000_000, rig.Timers);
        Assert.Equal(-1, rig.Take());
    }

    [Fact]
    public void Timer_Periodic_MissedTicksAreOne()
    {
        var rig = new ApicRig();
        rig.Apic.Out32(0x3E0, 0xB);
        rig.Apic.Out32(0x320, 0x2_00EC);
        rig.Apic.Out32(0x380, 1_000_000);
        rig.Clock.Jump(5_500_000, rig.Timers);
        Assert.Equal(500_000u, rig.Apic.In32(0x390));
        Assert.Equal(0xEC, rig.Take());
        rig.Eoi();
        Assert.Equal(-1, rig.Take());
        Assert.Equal(6_000_000, rig.Timers.NextDeadlineNs);
        rig.Clock.Advance(500_000, rig.Timers);
        Assert.Equal(0xEC, rig.Take());
    }

    [Fact]
    public void Timer_TinyPeriod_IsBounded()
    {
        var rig = new ApicRig();
        rig.Apic.Out32(0x3E0, 0xB);
        rig.Apic.Out32(0x320, 0x2_00EC);
        rig.Apic.Out32(0x380, 1);
        int fires = 0;
        while (rig.Timers.NextDeadlineNs <= 1_000_000)
        {
            rig.Clock.Jump(rig.Timers.NextDeadlineNs - rig.Clock.NowNs, rig.Timers);
            fires++;
        }

        Assert.InRange(fires, 1, 101);
    }

    [Fact]
    public void Timer_TscDeadline_FiresAtTheTickAndClears()
    {
        var rig = new ApicRig();
        rig.Apic.Out32(0x320, 0x4_00EC);
        Assert.True(rig.Apic.TryWriteMsr(0x6E0, 2001));
        Assert.True(rig.Apic.TryReadMsr(0x6E0, out ulong deadline));
        Assert.Equal(2001UL, deadline);
        rig.Clock.Advance(1000, rig.Timers);
        Assert.Equal(-1, rig.Take());
        rig.Clock.Advance(1, rig.Timers);
        Assert.Equal(0xEC, rig.Take());
        Assert.True(rig.Apic.TryReadMsr(0x6E0, out deadline));
        Assert.Equal(0UL, deadline);
        rig.Eoi();
        Assert.True(rig.Apic.TryWriteMsr(0x6E0, 5));
        Assert.Equal(0xEC, rig.Take());
        rig.Eoi();
        rig.Apic.TryWriteMsr(0x6E0, 1_000_000);
        rig.Apic.TryWriteMsr(0x6E0, 0);
        Assert.Equal(long.MaxValue, rig.Timers.NextDeadlineNs);
    }

    [Fact]
    public void Timer_TscDeadline_FollowsTheAdjustment()
    {
        var rig = new ApicRig();
        rig.Apic.Out32(0x320, 0x4_00EC);
        Assert.True(rig.Apic.TryWriteMsr(0x3B, 5000));
        Assert.True(rig.Apic.TryWriteMsr(0x6E0, 7000));
        rig.Clock.Advance(999, rig.Timers);
        Assert.Equal(-1, rig.Take());
        rig.Clock.Advance(1, rig.Timers);
        Assert.Equal(0xEC, rig.Take());
        rig.Eoi();

        // It moves while the deadline waits: near, past it, and back.
        Assert.True(rig.Apic.TryWriteMsr(0x6E0, 100_000));
        Assert.True(rig.Apic.TryWriteMsr(0x3B, 97_000));
        Assert.Equal(1500, rig.Timers.NextDeadlineNs);
        Assert.True(rig.Apic.TryWriteMsr(0x3B, 98_000));
        Assert.Equal(0xEC, rig.Take());
        rig.Eoi();
        Assert.True(rig.Apic.TryWriteMsr(0x3B, ulong.MaxValue - 1999)); // it shows 0 now
        Assert.True(rig.Apic.TryWriteMsr(0x6E0, ulong.MaxValue));
        rig.Clock.Advance(1_000_000, rig.Timers);
        Assert.Equal(-1, rig.Take());
        Assert.True(rig.Apic.TryReadMsr(0x6E0, out ulong deadline));
        Assert.Equal(ulong.MaxValue, deadline);
    }

    [Fact]
    public void Timer_StaleFiring_Ignored()
    {
        var rig = new ApicRig();
        rig.Apic.Out32(0x3E0, 0xB);
        rig.Apic.Out32(0x320, 0xEC);
        rig.Apic.Out32(0x380, 1000);
        rig.Apic.Out32(0x380, 0);
        rig.Apic.OnTimer(5000);
        Assert.Equal(-1, rig.Take());
        rig.Clock.NowNs = 5000;
        rig.Apic.Out32(0x380, 1000);
        rig.Apic.OnTimer(5000);
        Assert.Equal(-1, rig.Take());
        Assert.Equal(6000, rig.Timers.NextDeadlineNs);
    }

    [Fact]
    public void Messages_FromOtherThreads_NoneLostNoneDoubled()
    {
        const int Rounds = 3000;
        var rig = new ApicRig();
        int[] taken = new int[256];
        using var stop = new CancellationTokenSource();

        void Produce(byte vector)
        {
            for (int i = 1; i <= Rounds; i++)
            {
                rig.Bus.Deliver(0, false, DeliveryMode.Fixed, vector, false);
                var spin = new SpinWait();
                while (Volatile.Read(ref taken[vector]) < i && !stop.IsCancellationRequested)
                {
                    spin.SpinOnce(-1);
                }
            }
        }

        byte[] vectors = [0x41, 0x42, 0x83];
        Thread[] producers = [.. vectors.Select(v => new Thread(() => Produce(v)))];
        foreach (Thread t in producers)
        {
            t.Start();
        }

        // The vCPU looks only after a kick, so a missing kick or look would hang; the bound turns that into a failure.
        int seen = 0;
        var idle = new SpinWait();
        long bound = Environment.TickCount64 + 60_000;
        while (vectors.Sum(v => taken[v]) < Rounds * 3 && Environment.TickCount64 < bound)
        {
            int kicks = Volatile.Read(ref rig.Signals[0].Kicks);
            if (kicks == seen)
            {
                idle.SpinOnce(-1);
                continue;
            }

            seen = kicks;
            while (rig.Apic.HasPending)
            {
                Assert.True(rig.Apic.TryAcknowledge(out byte vector));
                rig.Eoi();
                Volatile.Write(ref taken[vector], taken[vector] + 1);
            }
        }

        stop.Cancel();
        foreach (Thread t in producers)
        {
            t.Join();
        }

        Assert.All(vectors, v => Assert.Equal(Rounds, taken[v]));
        Assert.False(rig.Apic.HasPending);
    }

    [Fact]
    public void HotPath_NoAllocation()
    {
        var rig = new ApicRig();
        rig.Route(5, 0x8000 | 0x55);
        Loop();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 50; i++)
        {
            Loop();
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Loop()
        {
            rig.Apic.Out32(0x380, 1000);
            rig.IoApic.SetPin(5, true);
            rig.Apic.TryAcknowledge(out _);
            rig.IoApic.SetPin(5, false);
            rig.Apic.Out32(0xB0, 0);
            rig.Clock.Jump(5000, rig.Timers);
            _ = rig.Apic.HasPending;
        }
    }
}
