using Bulkhead.Devices.Backends.Net.Switching;
using Xunit;

namespace Bulkhead.Devices.Tests.Net.Switching;

public sealed class FrameFactsTests
{
    private static readonly Packet s_tcp6 = new() { From = 0, To = 1, Kind = PacketKind.Tcp, Ip6 = true, DestinationPort = 22 };

    [Theory]
    [InlineData(PacketKind.Tcp, false)]
    [InlineData(PacketKind.Udp, true)]
    [InlineData(PacketKind.Neighbor, false)]
    [InlineData(PacketKind.Neighbor, true)]
    public void TryRead_WrappedFrame_SaysWhatIsInside(PacketKind kind, bool ip6)
    {
        var packet = new Packet { From = 0, To = 1, Kind = kind, Ip6 = ip6, SourcePort = 5000, DestinationPort = 22 };
        Assert.True(FrameFacts.TryRead(packet.Build(), out FrameFacts plain));
        foreach (IReadOnlyList<byte[]> wraps in Wrap.All)
        {
            Assert.True(FrameFacts.TryRead((packet with { Wraps = wraps }).Build(), out FrameFacts facts));

            int more = wraps.Sum(static w => w.Length);
            FrameFacts expected = plain;
            expected.IpStart += more;
            expected.End += plain.End > 0 ? more : 0;
            expected.TransportStart += plain.HasPorts ? more : 0;
            expected.DataStart += plain.HasPorts ? more : 0;
            Assert.Equal(expected, facts);
        }
    }

    [Fact]
    public void TryRead_MoreTagsThanItLooksBehind_IsRefused() =>
        Assert.False(FrameFacts.TryRead((s_tcp6 with { Wraps = Wrap.TooMany }).Build(), out _));

    [Fact]
    public void TryRead_TagsCutAnywhere_AreRefused()
    {
        foreach (PacketKind kind in (PacketKind[])[PacketKind.Tcp, PacketKind.Neighbor])
        {
            byte[] frame = new Packet { From = 0, To = 1, Kind = kind, Wraps = [Wrap.Service, Wrap.Customer] }.Build();
            for (int length = 0; length < frame.Length; length++)
            {
                Assert.False(FrameFacts.TryRead(frame.AsSpan(0, length), out _));
            }
        }
    }

    [Theory]
    [InlineData(0, 38, 0x42, 0x42, 3, 0, 0, 0)]      // a bridge's
    [InlineData(0, 38, 0xAA, 0xAA, 3, 0, 0, 0x0C)]   // an organization's own types
    [InlineData(0, 38, 0xAA, 0xAA, 0xAF, 0, 0, 0)]   // no data: an exchange of identities
    [InlineData(0x88, 0x47, 0xAA, 0xAA, 3, 0, 0, 0)] // a type, no length
    public void TryRead_WhatNoReceiverUnwraps_IsOther(params int[] wrap)
    {
        Assert.True(FrameFacts.TryRead((s_tcp6 with { Wraps = [[.. wrap.Select(static b => (byte)b)]] }).Build(), out FrameFacts facts));
        Assert.Equal((FrameKind.Other, false), (facts.Kind, facts.HasAddress));
    }

    [Fact]
    public void TryRead_LlcThatEndsBeforeAType_HasNothingInside()
    {
        byte[] frame = (s_tcp6 with { Wraps = [Wrap.Snap] }).Build();

        Assert.True(FrameFacts.TryRead(frame.AsSpan(0, 19), out FrameFacts facts));
        Assert.Equal(FrameKind.Other, facts.Kind);
        Assert.False(FrameFacts.TryRead(frame.AsSpan(0, 20), out _));
        Assert.False(FrameFacts.TryRead(frame.AsSpan(0, 21), out _));
    }

    [Theory]
    [InlineData(false, 8)]
    [InlineData(true, 7)] // the header of the fragment is one
    public void TryRead_MoreExtensionsThanItLooksBehind_IsRefused(bool fragment, int most)
    {
        Assert.True(FrameFacts.TryRead((s_tcp6 with { Options = most, Fragment = fragment }).Build(), out FrameFacts facts));
        Assert.Equal((FrameKind.Tcp, !fragment), (facts.Kind, facts.HasPorts));
        Assert.False(FrameFacts.TryRead((s_tcp6 with { Options = most + 1, Fragment = fragment }).Build(), out _));
    }

    [Fact]
    public void TryRead_LaterFragment_SaysWhetherItsKindIsKnown()
    {
        Packet later = s_tcp6 with { Fragment = true, LaterFragment = true };

        Assert.True(FrameFacts.TryRead(later.Build(), out FrameFacts known));
        Assert.Equal((FrameKind.Tcp, false), (known.Kind, known.HidesKind));
        Assert.True(FrameFacts.TryRead((later with { Options = 1 }).Build(), out FrameFacts hidden));
        Assert.Equal((FrameKind.Other, true), (hidden.Kind, hidden.HidesKind));
    }

    [Theory]
    [InlineData(128, true)]
    [InlineData(133, false)]
    [InlineData(134, false)]
    [InlineData(135, false)]
    [InlineData(136, false)]
    [InlineData(137, false)]
    public void TryRead_NeighborsAndRoutersInFragments_AreRefused(byte type, bool expected)
    {
        byte[] frame = new Packet { From = 0, To = 1, Kind = PacketKind.Echo, Ip6 = true, Fragment = true, Options = 1 }.Build();
        frame[14 + 40 + 8 + 8] = type;

        Assert.Equal(expected, FrameFacts.TryRead(frame, out _));
    }
}
