using System.Net;
using Bulkhead.Abi.Virtio;
using Bulkhead.Devices.Backends.Limits;
using Bulkhead.Devices.Backends.Net;
using Bulkhead.Devices.Backends.Net.Switching;

namespace Bulkhead.Devices.Tests.Net.Switching;

/// <summary>A network whose members' cards are the test's own.</summary>
internal sealed class SwitchRig
{
    public const ulong Everything = NetFeatures.GuestChecksum | NetFeatures.GuestTcp4 | NetFeatures.GuestTcp6;

    public SwitchRig(int members, IReadOnlyList<SwitchRule> rules, bool addresses = false)
    {
        Network = new NetworkSwitch(
            "lan",
            1500,
            [.. Enumerable.Range(0, members).Select(i => new SwitchMember($"m{i}", Packet.MacOf(i), addresses ? [new IPAddress(Packet.AddressOf(i, false)), new IPAddress(Packet.AddressOf(i, true))] : []))],
            rules,
            () => NowNs);
        foreach (SwitchPort port in Network.Ports)
        {
            port.Open(Everything);
        }
    }

    public NetworkSwitch Network { get; }

    public long NowNs { get; set; } = 1_000_000_000_000;

    public static SwitchRule Rule(int? from, int? to, FrameKind? kind = null, int first = 0, int last = 65_535, bool denies = false, RateLimit limit = default) =>
        new(from, to, kind, (ushort)first, (ushort)last, denies, limit);

    public void Send(int from, ReadOnlySpan<byte> frame, FrameHeader header = default)
    {
        SwitchPort port = Network.Ports[from];
        frame.CopyTo(port.BeginFrame(header, frame.Length));
        port.CommitFrame();
        port.Send();
    }

    /// <summary>Sends, and says who got it; they must have what was sent.</summary>
    public IReadOnlyList<int> Send(Packet packet)
    {
        byte[] frame = packet.Build();
        Send(packet.From, frame);
        var got = new List<int>();
        for (int i = 0; i < Network.Ports.Count; i++)
        {
            while (Take(i, out _) is { } one)
            {
                Xunit.Assert.Equal(frame, one);
                got.Add(i);
            }
        }

        return got;
    }

    public byte[]? Take(int member, out FrameHeader header)
    {
        SwitchPort port = Network.Ports[member];
        ReadOnlySpan<byte> frame = port.PeekFrame(out header);
        byte[]? copy = frame.IsEmpty ? null : frame.ToArray();
        if (copy is not null)
        {
            port.DropFrame();
        }

        return copy;
    }
}
