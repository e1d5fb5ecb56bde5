using Bulkhead.X86.Segmentation;
using Bulkhead.X86.State;
using Xunit;

namespace Bulkhead.X86.Tests.Segmentation;

public sealed class DescriptorTests
{
    [Fact]
    public void ToSegment_KernelCode64_IsFlatLong()
    {
        Segment s = new Descriptor(0x00AF_9B00_0000_FFFF).ToSegment(0x10);

        Assert.Equal(0ul, s.Base);
        Assert.Equal(uint.MaxValue, s.Limit);
        Assert.True(s.Long);
        Assert.False(s.Big);
        Assert.Equal(0xBu, s.Type);
        Assert.Equal(0, s.Dpl);
        Assert.False(s.Unusable);
    }

    [Fact]
    public void ToSegment_SystemDescriptor_TakesAllBaseBits()
    {
        Descriptor d = new(0x5600_8912_3456_2067, 0xFFFF_8888);

        Segment s = d.ToSegment(0x40);

        Assert.Equal(0xFFFF_8888_5612_3456ul, s.Base);
        Assert.Equal(0x2067u, s.Limit);
        Assert.Equal(9u, s.Type);
        Assert.False(d.IsCodeOrData);
    }

    [Fact]
    public void Gate_64Bit_SplitsFields()
    {
        Gate gate = new(0x8181_EE02_0010_2345, 0xFFFF_FFFF);

        Assert.Equal(0xFFFF_FFFF_8181_2345, gate.Offset);
        Assert.Equal((ushort)0x10, gate.Selector);
        Assert.Equal(2, gate.Ist);
        Assert.Equal(3, gate.Dpl);
        Assert.Equal(Gate.Interrupt, gate.Type);
        Assert.True(gate.Present);
    }
}
