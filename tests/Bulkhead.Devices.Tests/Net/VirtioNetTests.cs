using System.Buffers.Binary;
using System.Collections.Concurrent;
using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;
using Bulkhead.Devices.Backends.Net;
using Bulkhead.Devices.Backends.Net.Switching;
using Bulkhead.Devices.Tests.Net.Switching;
using Bulkhead.Devices.Tests.Virtio.Driver;
using Bulkhead.Devices.Virtio.Net;
using CsCheck;
using Xunit;

namespace Bulkhead.Devices.Tests.Net;

/// <summary>Cards on a network, from driver to driver.</summary>
public sealed class VirtioNetTests
{
    private const int Receive = 0;
    private const int Transmit = 1;
    private const int RamBytes = 1 << 20;
    private const ulong Features = NetFeatures.Mac | NetFeatures.Checksum | NetFeatures.GuestChecksum;

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void Frames_FromCardToCard_ArriveAsTheyWere(bool packed, bool merges)
    {
        using var lan = new Lan(2);
        ulong features = RingKinds.Features(packed, tables: false, eventIndex: true) | Features | (merges ? NetFeatures.MergeableBuffers : 0);
        Card a = lan.Start(0, features);
        Card b = lan.Start(1, features);
        for (int i = 0; i < 200; i++)
        {
            byte[] frame = new Packet { From = 0, To = 1, Kind = PacketKind.Udp, DataBytes = i * 7 }.Build();
            b.Offer(merges ? 200 : 2000, merges ? 10 : 1);
            a.Send(frame);
            (byte[] header, byte[] got) = b.Take();
            Assert.Equal(frame, got);
            Assert.Equal(merges ? (frame.Length + 12 + 199) / 200 : 1, BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(10)));
            lan.Restart(a, b, features);
        }
    }

    [Fact]
    public void Negotiate_SegmentsWithoutChecksums_IsRefused()
    {
        using var lan = new Lan(2);
        Assert.False(new VirtioDriver(lan.Rigs[0]).Negotiate(RingKinds.Split | NetFeatures.HostTcp4));
        Assert.False(new VirtioDriver(lan.Rigs[0]).Negotiate(RingKinds.Split | NetFeatures.GuestTcp6 | NetFeatures.Checksum));
        Assert.True(new VirtioDriver(lan.Rigs[0]).Negotiate(RingKinds.Split | NetFeatures.HostTcp4 | NetFeatures.Checksum));
    }

    /// <summary>Whatever one driver does with its rings and buffers, the two others talk as if it were not there.</summary>
    [Fact]
    public void HostileDriver_HurtsItselfOnly()
    {
        Gen<(int Kind, int A, int B, ulong Value)> step = Gen.Select(Gen.Int[0, 5], Gen.Int[0, 0xFFFF], Gen.Int[0, 0xFFFF], Gen.ULong);
        Gen.Select(step.Array[1, 40], Gen.Bool).Sample(
            (steps, packed) =>
            {
                using var lan = new Lan(3);
                ulong features = RingKinds.Features(packed, tables: true, eventIndex: true) | Features;
                VirtioRig hostile = lan.Rigs[2];
                Card bad = lan.Start(2, features | NetFeatures.MergeableBuffers);
                foreach ((int kind, int a, int b, ulong value) in steps)
                {
                    byte[] noise = BitConverter.GetBytes(value);
                    switch (kind)
                    {
                        case 0:
                            hostile.Memory.TryWrite(new Gpa((ulong)(0x1000 + (a % 0x3000))), noise.AsSpan(0, 1 + (b & 7)));
                            break;
                        case 1:
                            bad.Driver.Notify(a & 1);
                            break;
                        case 2 when bad.Sent < 12:
                            bad.Post([.. Packet.MacOf(b % 4), .. Packet.MacOf((b & 0x100) != 0 ? 1 : 2), .. noise, .. noise, .. noise], (a & 3, (byte)(b >> 12)));
                            break;
                        case 3:
                            bad.Offer(a % 300, 1 + (b % 3));
                            break;
                        case 4 when bad.Driver.NeedsReset || (a & 7) == 0:
                            hostile.Ram.Restart();
                            bad = lan.Start(2, features);
                            break;
                        default:
                            bad.Driver.Write((PciCapabilityKind)(1 + (a & 3)), b & 0x3C, 4, value & 0xFFFF_FFFF);
                            break;
                    }
                }

                Assert.Empty(lan.Thrown);
                Card x = lan.Start(0, features);
                Card y = lan.Start(1, features);
                byte[] frame = new Packet { From = 0, To = 1, Kind = PacketKind.Tcp }.Build();
                y.Offer(2000, 1);
                x.Send(frame);
                Assert.Equal(frame, y.Take().Frame);
            },
            iter: 2000,
            threads: 1);
    }

    [Fact]
    public void Capture_OfACard_HasWhatPassed_AndCompleteChecksums()
    {
        using var lan = new Lan(2);
        Card a = lan.Start(0, RingKinds.Split | Features);
        Card b = lan.Start(1, RingKinds.Split | Features);
        Assert.True(lan.Captures[1].TryStart(0));
        Assert.False(lan.Captures[1].TryStart(0));
        byte[] frame = new Packet { From = 0, To = 1, Kind = PacketKind.Udp }.Build();
        b.Offer(2000, 1);
        a.Send(frame, (NetHeader.NeedsChecksum, 0), checksumStart: 34, checksumOffset: 6);

        byte[] record = new byte[FrameCapture.MostBytes];
        Assert.Equal(16 + frame.Length, lan.Captures[1].Read(record));
        Assert.Equal(frame.Length, BinaryPrimitives.ReadInt32LittleEndian(record.AsSpan(8)));
        Assert.NotEqual(0, BinaryPrimitives.ReadUInt16BigEndian(record.AsSpan(16 + 40)));
        Assert.Equal(0xFFFF, InternetChecksum.Sum(record.AsSpan(16 + 34, frame.Length - 34)));
        Assert.Equal(0, lan.Captures[1].Read(record));
        lan.Captures[1].Stop();
        Assert.Equal(frame, b.Take().Frame); // as it was: its driver completes it
    }

    /// <summary>Members 0 and 1 may talk; 2 may send to nobody.</summary>
    private sealed class Lan : IDisposable
    {
        public Lan(int cards)
        {
            Network = new NetworkSwitch(
                "lan", 1500, [.. Enumerable.Range(0, cards).Select(static i => new SwitchMember($"m{i}", Packet.MacOf(i), []))],
                [SwitchRig.Rule(0, 1), SwitchRig.Rule(1, 0)], static () => 1, immediate: true);
            Captures = [.. Network.Ports.Select(static _ => new FrameCapture())];
            Rigs = [.. Network.Ports.Select((port, i) => new VirtioRig(new VirtioNet(port, new WatchedExecutor(port.CreateExecutor("net"), Thrown), Packet.MacOf(i), Captures[i], new CardCable()), RamBytes))];
        }

        public NetworkSwitch Network { get; }

        public FrameCapture[] Captures { get; }

        public VirtioRig[] Rigs { get; }

        public ConcurrentQueue<Exception> Thrown { get; } = new();

        public Card Start(int number, ulong features)
        {
            var driver = new VirtioDriver(Rigs[number]);
            Assert.True(driver.Negotiate(features));
            var card = new Card(Rigs[number], driver, driver.Open(Receive, 16), driver.Open(Transmit, 16));
            driver.Ready();
            return card;
        }

        public void Restart(Card a, Card b, ulong features)
        {
            // The test's memory is never given back.
            foreach ((Card card, int number) in (ReadOnlySpan<(Card, int)>)[(a, 0), (b, 1)])
            {
                Rigs[number].Ram.Restart();
                card.Become(Start(number, features));
            }
        }

        public void Dispose()
        {
            foreach (VirtioRig rig in Rigs)
            {
                rig.Dispose();
            }
        }
    }

    private sealed class Card(VirtioRig rig, VirtioDriver driver, DriverQueue receive, DriverQueue transmit)
    {
        private readonly Dictionary<int, Gpa> _offered = [];

        public VirtioDriver Driver { get; private set; } = driver;

        private DriverQueue ReceiveQueue { get; set; } = receive;

        private DriverQueue TransmitQueue { get; set; } = transmit;

        public void Become(Card other)
        {
            (Driver, ReceiveQueue, TransmitQueue) = (other.Driver, other.ReceiveQueue, other.TransmitQueue);
            _offered.Clear();
            Sent = 0;
        }

        public void Offer(int bytes, int count)
        {
            for (int i = 0; i < count && _offered.Count < 12; i++)
            {
                Gpa at = rig.Ram.Take((ulong)bytes + 1);
                _offered[ReceiveQueue.Add(new Piece(at, (uint)bytes, true))] = at;
            }

            Driver.Notify(Receive);
        }

        /// <summary>How many frames were posted.</summary>
        public int Sent { get; private set; }

        public void Send(byte[] frame, (int Flags, byte Segmentation) header = default, int checksumStart = 0, int checksumOffset = 0)
        {
            Post(frame, header, checksumStart, checksumOffset);
            Assert.NotNull(TransmitQueue.Take());
        }

        /// <summary>Sends, and does not look whether the device gave the buffer back.</summary>
        public void Post(byte[] frame, (int Flags, byte Segmentation) header = default, int checksumStart = 0, int checksumOffset = 0)
        {
            Sent++;
            byte[] bytes = [(byte)header.Flags, header.Segmentation, 0, 0, 0, 0, (byte)checksumStart, 0, (byte)checksumOffset, 0, 0, 0, .. frame];
            TransmitQueue.Add(new Piece(rig.Ram.Put(bytes), (uint)bytes.Length, false));
            Driver.Notify(Transmit);
        }

        public (byte[] Header, byte[] Frame) Take()
        {
            byte[] all = [];
            for (int left = 1; left > 0; left--)
            {
                UsedBuffer used = ReceiveQueue.Take() ?? throw new InvalidOperationException("nothing came");
                all = [.. all, .. rig.Ram.Read(_offered[used.Id], (int)used.Written)];
                left = all.Length == used.Written ? BinaryPrimitives.ReadUInt16LittleEndian(all.AsSpan(10)) : left;
            }

            return (all[..12], all[12..]);
        }
    }
}
