using System.Buffers.Binary;
using Bulkhead.Core.Memory;
using Bulkhead.Core.Time;
using Bulkhead.Machine.Time;
using Xunit;

namespace Bulkhead.Machine.Tests.Time;

public sealed class KvmClockTests
{
    private const ulong Page = 0x3000;

    [Theory]
    [InlineData(1_000_000_000ul)]
    [InlineData(999_999_999ul)]
    [InlineData(1_000_000_001ul)]
    [InlineData(2_595_124_000ul)]
    [InlineData(24_000_000ul)]
    [InlineData(5_700_000_000ul)]
    public void Scale_AnHour_IsExactToAMicrosecond(ulong hz)
    {
        (uint multiplier, sbyte shift) = KvmClock.Scale(hz);
        Assert.InRange(Nanoseconds(hz * 3600, multiplier, shift), 3_600_000_000_000ul - 1000, 3_600_000_000_000ul);
    }

    [Fact]
    public void SystemTime_Enabled_GivesTheTimeSincePowerUp()
    {
        using var memory = new GuestMemory("kvmclock", 1 << 20);
        var clock = new Ticking { GuestTsc = 7_000 };
        var kvm = new KvmClock(memory, clock, 0, 1);
        Assert.True(kvm.TryWriteMsr(0, 0x4B56_4D01, Page | 1));
        byte[] area = new byte[32];
        Assert.True(memory.TryRead(new Gpa(Page), area));
        ulong since = 2_000_000_000 + 7_000 - BinaryPrimitives.ReadUInt64LittleEndian(area.AsSpan(8));
        ulong ns = BinaryPrimitives.ReadUInt64LittleEndian(area.AsSpan(16))
            + Nanoseconds(since, BinaryPrimitives.ReadUInt32LittleEndian(area.AsSpan(24)), (sbyte)area[28]);
        Assert.InRange(ns, 999_999_990ul, 1_000_000_000ul);
        Assert.Equal(0u, BinaryPrimitives.ReadUInt32LittleEndian(area) & 1);
        Assert.Equal(1, area[29] & 1);
    }

    [Fact]
    public void WallClock_Written_IsTheTimeOfPowerUp()
    {
        using var memory = new GuestMemory("kvmclock", 1 << 20);
        var kvm = new KvmClock(memory, new Ticking(), 1_795_616_975_789_024_111, 1);
        Assert.True(kvm.TryWriteMsr(0, 0x4B56_4D00, Page));
        byte[] area = new byte[12];
        Assert.True(memory.TryRead(new Gpa(Page), area));
        Assert.Equal(1_795_616_975u, BinaryPrimitives.ReadUInt32LittleEndian(area.AsSpan(4)));
        Assert.Equal(789_024_111u, BinaryPrimitives.ReadUInt32LittleEndian(area.AsSpan(8)));
    }

    [Theory]
    [InlineData(0x4B56_4D00u, 0xF_FFF8ul)]
    [InlineData(0x4B56_4D01u, 0x1_0000_0001ul)]
    [InlineData(0x4B56_4D02u, 1ul)]
    public void Write_OutsideRamOrAnotherMsr_IsRefused(uint index, ulong value)
    {
        using var memory = new GuestMemory("kvmclock", 1 << 20);
        Assert.False(new KvmClock(memory, new Ticking(), 0, 1).TryWriteMsr(0, index, value));
    }

    [Fact]
    public void NoteStopped_TellsEveryVcpuThatListens()
    {
        using var memory = new GuestMemory("kvmclock", 1 << 20);
        var kvm = new KvmClock(memory, new Ticking(), 0, 3);
        for (int vcpu = 0; vcpu < 3; vcpu++)
        {
            Assert.True(kvm.TryWriteMsr(vcpu, 0x4B56_4D01, (Page + ((ulong)vcpu * 64)) | 1));
        }

        Assert.True(kvm.TryWriteMsr(1, 0x4B56_4D01, 0));
        kvm.NoteStopped();

        Assert.Equal([3, 1, 3], Enumerable.Range(0, 3).Select(FlagsOf));

        int FlagsOf(int vcpu)
        {
            byte[] flags = new byte[1];
            Assert.True(memory.TryRead(new Gpa(Page + ((ulong)vcpu * 64) + 29), flags));
            return flags[0];
        }
    }

    private static ulong Nanoseconds(ulong ticks, uint multiplier, sbyte shift)
    {
        UInt128 scaled = shift >= 0 ? (UInt128)ticks << shift : ticks >> -shift;
        return (ulong)((scaled * multiplier) >> 32);
    }

    private sealed class Ticking : IClock
    {
        public long NowNs => 5;

        public ulong GuestTsc { get; init; }

        public ulong TscHz => 2_000_000_000;

        public long WhenTsc(ulong guestTsc) => 0;
    }
}
