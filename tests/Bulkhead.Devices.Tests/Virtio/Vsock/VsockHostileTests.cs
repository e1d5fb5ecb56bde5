using System.Net.Sockets;
using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;
using Bulkhead.Devices.Tests.Virtio.Driver;
using Bulkhead.Devices.Virtio.Vsock;
using CsCheck;
using Xunit;

namespace Bulkhead.Devices.Tests.Virtio.Vsock;

/// <summary>Two guests that send each other and the host whatever they like: nothing throws, nothing grows, and a reset mends it.</summary>
public sealed class VsockHostileTests
{
    private const long MostAllocated = 64 << 20;
    private static readonly uint[] s_ports = [1, 2, 3];
    private static readonly ulong[] s_cids = [2, 4, 5, 6];

    private enum Kind
    {
        Packet,
        Flood,
        Noise,
        ShortBuffer,
        Post,
        HostConnects,
        HostSends,
        HostReads,
        HostCloses,
        Hold,
        Reset,
    }

    [Fact]
    public void AnyHistory_NeitherThrowsNorGrows_AndAResetMendsIt()
    {
        Gen<(Kind, int, int, ulong)> step = Gen.Select(Gen.Enum<Kind>(), Gen.Int[0, 0xFFFF], Gen.Int[0, 0xFFFF], Gen.ULong);
        step.Array[1, 120].Sample(Run, iter: 1500, threads: 1);
    }

    private static void Run((Kind Kind, int A, int B, ulong Value)[] steps)
    {
        using var one = new VsockRig(RingKinds.Features((steps.Length & 1) != 0, tables: true, eventIndex: (steps.Length & 2) != 0), cid: 4, receives: (steps.Length & 4) != 0);
        using var two = new VsockRig(cid: 5);
        one.Endpoint.Allow(two.Endpoint);
        two.Endpoint.Allow(one.Endpoint);
        using Socket listener = one.Listen(1);
        listener.Blocking = false;
        var hosts = new List<Socket>();
        var spaces = new Dictionary<VsockRig, Gpa> { [one] = one.Rig.Ram.Take(8192), [two] = two.Rig.Ram.Take(8192) };
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        foreach ((Kind kind, int a, int b, ulong value) in steps)
        {
            VsockRig rig = (b & 0x8000) != 0 ? one : two;
            switch (kind)
            {
                case Kind.Packet or Kind.Flood:
                    VsockPacket packet = rig.Packet(
                        (VsockOperation)(a % 9), s_ports[b % 3], s_cids[(b >> 2) & 3], flags: (uint)(b >> 4) & 7,
                        forwarded: (a & 0x100) != 0 ? (uint)value : 0, length: (uint)(value >> 40) & 0xFFF, guestPort: s_ports[(b >> 8) % 3]);
                    Send(rig, spaces[rig], (value & 0xF00) == 0 ? packet with { SourceCid = value } : packet with { BufferBytes = (uint)a * 7 }, kind == Kind.Flood ? 12 : 1);
                    break;
                case Kind.Noise:
                    Write(rig, spaces[rig], (a & 0x7F) + VsockHeader.Bytes, new Random(b));
                    Add(rig, spaces[rig], (a & 0x7F) + VsockHeader.Bytes, 1);
                    break;
                case Kind.ShortBuffer when (a & 0x70) == 0: // this breaks the queue
                    Add(rig, spaces[rig], b % VsockHeader.Bytes, 1);
                    break;
                case Kind.Post:
                    while (rig.Take((a & 1) != 0) is not null)
                    {
                    }

                    break;
                case Kind.HostConnects when hosts.Count < 20:
                    hosts.Add(one.ConnectIn((a & 1) != 0 ? $"CONNECT {s_ports[b % 3]}\n" : $"CONNECT {s_ports[b % 3]}"));
                    break;
                case Kind.HostSends or Kind.HostReads or Kind.HostCloses when hosts.Count > 0:
                    Use(kind, hosts, a);
                    one.Work();
                    break;
                case Kind.Hold:
                    rig.Rig.Pci.Function.Pause();
                    one.Work();
                    two.Work();
                    rig.Rig.Pci.Function.Resume();
                    break;
                case Kind.Reset when (a & 3) == 0:
                    rig.Driver.Reset();
                    rig.Rig.Pci.Function.Pause();
                    rig.Rig.Pci.Function.Resume();
                    break;
            }

            Assert.InRange(rig.Endpoint.Counters.Connections, 0, VsockEndpoint.MostConnections);
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - allocated, 0, MostAllocated);
        hosts.ForEach(static h => h.Dispose());
        foreach (VsockRig rig in (VsockRig[])[one, two])
        {
            Assert.DoesNotContain("Exception", rig.Rig.Pci.Function.LastError ?? string.Empty, StringComparison.Ordinal);
            rig.Driver.Reset();
            Assert.Equal(0, rig.Endpoint.Counters.Connections);
        }

        one.Start(RingKinds.Split);
        using Socket fresh = one.Listen(77);
        one.Send(one.Packet(VsockOperation.Request, 77));
        Assert.True(Answers(one)); // behind what waited at the path until there was a driver again
    }

    private static bool Answers(VsockRig rig)
    {
        while (rig.Take() is { } taken)
        {
            if (taken.Packet.Operation == VsockOperation.Response)
            {
                return true;
            }
        }

        return false;
    }

    private static void Send(VsockRig rig, Gpa space, VsockPacket packet, int times)
    {
        byte[] header = new byte[VsockHeader.Bytes];
        packet.Write(header);
        rig.Rig.Ram.Write(space, header);
        Add(rig, space, VsockHeader.Bytes + (int)(packet.Length & 0xFFF), times);
    }

    private static void Add(VsockRig rig, Gpa space, int bytes, int times)
    {
        for (int i = 0; i < times; i++)
        {
            _ = rig.TrySendRaw(space, bytes);
        }
    }

    private static void Write(VsockRig rig, Gpa space, int bytes, Random random)
    {
        byte[] noise = new byte[bytes];
        random.NextBytes(noise);
        rig.Rig.Ram.Write(space, noise);
    }

    private static void Use(Kind kind, List<Socket> hosts, int a)
    {
        Socket host = hosts[a % hosts.Count];
        host.Blocking = false;
        try
        {
            _ = kind == Kind.HostSends ? host.Send(new byte[a % 5000]) : kind == Kind.HostReads ? host.Receive(new byte[5000]) : 0;
        }
        catch (SocketException)
        {
        }

        if (kind == Kind.HostCloses)
        {
            hosts.Remove(host);
            host.Dispose();
        }
    }
}
