using System.Net.Sockets;
using System.Text;
using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;
using Bulkhead.Core.State;
using Bulkhead.Devices.Backends.Ports;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Tests.Virtio.Driver;
using Bulkhead.Devices.Virtio.Console;
using Bulkhead.Host.Threads;
using CsCheck;
using Xunit;

namespace Bulkhead.Devices.Tests.Virtio.Console;

/// <summary>VIRTIO 1.2, 5.3 Console Device.</summary>
public sealed class ConsoleTests : IDisposable
{
    private readonly ConsoleRig _rig = new();

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void S5_3_4_Configuration_HasTheSizeAndTheNumberOfPorts()
    {
        Assert.Equal(0x1043u, _rig.Rig.Port.Read32(0) >> 16);
        Assert.Equal(ConsoleRig.Several, _rig.Driver.Offered & 7);
        Assert.Equal((80ul, 24ul, 3ul), (Config(0, 2), Config(2, 2), Config(4, 4)));
        using var without = new ConsoleRig(console: false);
        Assert.Equal(ConsoleFeatures.MultiplePorts, without.Driver.Offered & 7);
        ulong Config(int at, int bytes) => _rig.Driver.Read(PciCapabilityKind.Device, at, bytes);
    }

    [Fact]
    public void Buffer_OfAHundredGigabytes_DoesNotHoldTheEndUp()
    {
        const int piece = 128 << 20;
        using var began = new ManualResetEventSlim();
        long seen = 0;
        var viewers = new PortViewers(data =>
        {
            seen += data.Length;
            began.Set();
        });
        string folder = Directory.CreateTempSubdirectory("console").FullName;
        var port = new HostPort(string.Empty, Path.Combine(folder, "console"), 80, 24, viewers);
        using var set = new PollSet();
        using var executor = new PollExecutor("test console", set.Handle) { Interest = PollEvents.Readable };
        using var rig = new VirtioRig(new VirtioConsole(port, [], set, executor), ramBytes: 2 * piece);
        var driver = new VirtioDriver(rig);
        Assert.True(driver.Negotiate(RingKinds.Split | VirtioFeatures.IndirectDescriptors));
        _ = driver.Open(0, 16);
        DriverQueue transmit = driver.Open(1, 16);
        driver.Ready();
        transmit.UsesTables = true;
        transmit.Add([.. Enumerable.Repeat(new Piece(new Gpa(piece), piece, false), 1000)]);
        driver.Notify(1);
        Assert.True(began.Wait(30_000, TestContext.Current.CancellationToken));
        rig.Pci.Function.Shutdown();
        Assert.InRange(seen, 1, 999L * piece);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void S5_3_6_2_PortsAreTold_ThenWhatEachIs()
    {
        _rig.Start(RingKinds.Split | ConsoleRig.Several);
        Assert.Null(_rig.Heard());
        _rig.Tell(uint.MaxValue, ConsoleEvent.DeviceReady, 1);
        Assert.Equal(["0 PortAdd 1", "1 PortAdd 1", "2 PortAdd 1"], All());
        _rig.Tell(0, ConsoleEvent.PortReady, 1);
        Assert.Equal(["0 ConsolePort 1", "0 Resize 1 80x24"], All());
        _rig.Tell(2, ConsoleEvent.PortReady, 1);
        Assert.Equal(["2 PortName 1 org.two"], All());
        using Socket two = _rig.Connect("two");
        Assert.Equal(["2 PortOpen 1"], All());
        using Socket one = _rig.Connect("one");
        Assert.Empty(All());
        _rig.Tell(1, ConsoleEvent.PortReady, 1);
        Assert.Equal(["1 PortName 1 one", "1 PortOpen 1"], All());
        two.Dispose();
        _rig.Work();
        Assert.Equal(["2 PortOpen 0"], All());
    }

    [Fact]
    public void S5_3_6_2_WithoutAConsole_PortZeroIsNotThere()
    {
        using var rig = new ConsoleRig(console: false);
        rig.Start(RingKinds.Split | ConsoleFeatures.MultiplePorts);
        rig.Tell(uint.MaxValue, ConsoleEvent.DeviceReady, 1);
        Assert.Equal("1 PortAdd 1", rig.Heard());
        Assert.Equal("2 PortAdd 1", rig.Heard());
        Assert.Null(rig.Heard());
    }

    [Theory]
    [MemberData(nameof(RingKinds.All), MemberType = typeof(RingKinds))]
    public void S5_3_6_BytesGoBothWays(bool packed, bool tables, bool eventIndex, bool inOrder)
    {
        _rig.Begin(RingKinds.Features(packed, tables, eventIndex, inOrder) | ConsoleRig.Several);
        using Socket console = _rig.Connect("console");
        using Socket two = _rig.Connect("two");
        for (int i = 0; i < 40; i++)
        {
            Assert.Equal(1, _rig.Send(1, [1, (byte)i]));
            Assert.Equal(1, _rig.Send(7, [2, (byte)i, 3]));
            Assert.Equal([1, (byte)i], Received(console, 2));
            Assert.Equal([2, (byte)i, 3], Received(two, 3));
            console.Send([4, (byte)i]);
            two.Send([5]);
            _rig.Work();
            Assert.Equal([4, (byte)i], _rig.Take(0));
            Assert.Equal([5], _rig.Take(6));
            Assert.Null(_rig.Take(4));
        }
    }

    [Fact]
    public void S5_3_5_DriverOfOnePort_HasTheConsole()
    {
        _rig.Start(RingKinds.Split | ConsoleFeatures.Size);
        using Socket console = _rig.Connect("console");
        console.Send("in"u8);
        _rig.Work();
        Assert.Equal("in"u8.ToArray(), _rig.Take(0));
        Assert.Equal(1, _rig.Send(1, "out"u8.ToArray()));
        Assert.Equal("out"u8.ToArray(), Received(console, 3));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void WhoLooksOnAtTheConsole_SeesAndTypes_WhetherSomebodyIsAtThePathOrNot(bool connected)
    {
        _rig.Begin();
        using Socket? path = connected ? _rig.Connect("console") : null;
        Assert.Equal(1, _rig.Send(1, "out"u8.ToArray()));
        Assert.Equal(1, _rig.Send(5, "of another port"u8.ToArray()));
        Assert.Equal("out"u8.ToArray(), _rig.Viewed);
        Assert.Equal(connected ? "out" : string.Empty, path is null ? string.Empty : Encoding.ASCII.GetString(Received(path, 3)));

        Assert.Equal(2, _rig.Viewers?.Type("in"u8));
        _rig.Work();
        Assert.Equal("in"u8.ToArray(), _rig.Take(0));
        path?.Send("too"u8);
        _rig.Work();
        Assert.Equal(connected ? "too"u8.ToArray() : null, _rig.Take(0));
    }

    [Fact]
    public void WhatIsTyped_WaitsForTheGuest_AndIsTakenAsFarAsThereIsRoom()
    {
        byte[] data = new byte[10_000];
        new Random(3).NextBytes(data);
        Assert.InRange(_rig.Viewers?.Type(data) ?? 0, 1, data.Length - 1);
        Assert.Equal(0, _rig.Viewers?.Type(data));
        _rig.Begin();
        var got = new List<byte>();
        while (got.Count < data.Length)
        {
            byte[]? taken = _rig.Take(0);
            Assert.NotNull(taken);
            got.AddRange(taken);
            _ = _rig.Viewers?.Type(data.AsSpan(got.Count)); // the guest took all that was typed
            _rig.Work();
        }

        Assert.Equal(data, got);
    }

    [Fact]
    public void ToALifeThatIsOver_NothingIsTyped()
    {
        var viewers = new PortViewers(static _ => { });
        viewers.Dispose();
        Assert.Equal(0, viewers.Type("x"u8));
        viewers.Resize(1, 1);
        Assert.Null(viewers.TakeSize());
    }

    [Fact]
    public void S5_3_6_2_AnotherSize_IsTold_AndStandsInTheConfiguration()
    {
        _rig.Begin();
        _rig.Viewers?.Resize(100, 30);
        _rig.Work();
        Assert.Equal(["0 Resize 1 100x30"], All());
        Assert.Equal((100ul, 30ul), (_rig.Driver.Read(PciCapabilityKind.Device, 0, 2), _rig.Driver.Read(PciCapabilityKind.Device, 2, 2)));
        _rig.Viewers?.Resize(100, 30); // the same says nothing
        _rig.Work();
        Assert.Empty(All());

        // A driver of one port is told by the interrupt of the configuration.
        _rig.Driver.Reset();
        _rig.Start(RingKinds.Split | ConsoleFeatures.Size);
        _ = _rig.Driver.Isr; // reading forgets
        _rig.Viewers?.Resize(90, 20);
        _rig.Work();
        Assert.Equal(2, _rig.Driver.Isr);
        Assert.Equal((90ul, 20ul), (_rig.Driver.Read(PciCapabilityKind.Device, 0, 2), _rig.Driver.Read(PciCapabilityKind.Device, 2, 2)));
    }

    [Fact]
    public void HostThatDoesNotRead_HoldsTheGuest_AndNothingIsLost()
    {
        _rig.Begin();
        using Socket one = _rig.Connect("one");
        Assert.Equal("1 PortOpen 1", _rig.Heard());
        byte[] data = new byte[60_000];
        int sent = 0;
        int back = 0;
        while (back == sent)
        {
            data.AsSpan().Fill((byte)sent++);
            back += _rig.Send(5, data);
        }

        Assert.InRange(sent, 2, 100);
        var got = new List<byte>();
        while (got.Count < sent * data.Length)
        {
            got.AddRange(Received(one, Math.Min(7001, (sent * data.Length) - got.Count)));
            _rig.Work();
        }

        for (int i = 0; i < sent; i++)
        {
            Assert.Equal((byte)i, got.Skip(i * data.Length).Take(data.Length).Distinct().Single());
        }
    }

    [Fact]
    public void GuestThatDoesNotRead_HoldsTheHost_AndNothingIsLost()
    {
        _rig.Begin();
        using Socket one = _rig.Connect("one");
        byte[] data = new byte[200_000];
        new Random(2).NextBytes(data);
        one.Blocking = false;
        var got = new List<byte>();
        for (int sent = 0; got.Count < data.Length;)
        {
            try
            {
                sent += sent < data.Length ? one.Send(data.AsSpan(sent)) : 0;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.WouldBlock)
            {
            }

            _rig.Work();
            byte[]? bytes = _rig.Take(4);
            got.AddRange(bytes ?? []);
        }

        Assert.Equal(data, got);
    }

    [Fact]
    public void PortThatIsNotOpen_TakesNothing_UntilItIs()
    {
        _rig.Begin();
        _rig.Tell(1, ConsoleEvent.PortOpen, 0);
        using Socket one = _rig.Connect("one");
        one.Send("early"u8);
        _rig.Work();
        Assert.Null(_rig.Take(4));
        _rig.Tell(1, ConsoleEvent.PortOpen, 1);
        Assert.Equal("early"u8.ToArray(), _rig.Take(4));
    }

    [Fact]
    public void WhatTheGuestWritesToNobody_IsDropped()
    {
        _rig.Begin();
        Assert.Equal(1, _rig.Send(5, [1, 2, 3]));
        using Socket one = _rig.Connect("one");
        Assert.Equal(1, _rig.Send(5, [4]));
        Assert.Equal([4], Received(one, 10, all: false));
    }

    [Fact]
    public void SecondOne_WaitsForTheFirstToGo_AndTheGuestHearsOfBoth()
    {
        _rig.Begin();
        using Socket first = _rig.Connect("one");
        using Socket second = _rig.Connect("one");
        second.Send("second"u8);
        _rig.Work();
        Assert.Null(_rig.Take(4));
        first.Send("last words"u8);
        first.Dispose();
        _rig.Work();
        _rig.Work();
        Assert.Equal("last words"u8.ToArray(), _rig.Take(4));
        _rig.Work();
        Assert.Equal("second"u8.ToArray(), _rig.Take(4));
        Assert.Equal(["1 PortOpen 1", "1 PortOpen 0", "1 PortOpen 1"], All());
    }

    [Fact]
    public void WhoGoesFromAPortThatIsNotOpen_MakesRoomForTheNext()
    {
        _rig.Begin();
        _rig.Tell(1, ConsoleEvent.PortOpen, 0);
        _rig.Connect("one").Dispose();
        _rig.Work();
        using Socket next = _rig.Connect("one");
        _rig.Work();
        _rig.Tell(1, ConsoleEvent.PortOpen, 1);
        Assert.Equal(1, _rig.Send(5, [7]));
        Assert.Equal([7], Received(next, 1));
    }

    [Fact]
    public void Reset_ForgetsThePorts_AndWhoIsThereStays()
    {
        _rig.Begin();
        using Socket one = _rig.Connect("one");
        _rig.Driver.Reset();
        _rig.Begin(RingKinds.Packed | ConsoleRig.Several);
        Assert.Equal(1, _rig.Send(5, [9]));
        Assert.Equal([9], Received(one, 1));
    }

    [Fact]
    public void MessagesThatMeanNothing_AreTakenAndDoNothing()
    {
        _rig.Start(RingKinds.Split | ConsoleRig.Several);
        foreach (ConsoleEvent what in Enum.GetValues<ConsoleEvent>().Append((ConsoleEvent)999))
        {
            _rig.Tell(3, what, what == ConsoleEvent.DeviceReady ? (ushort)0 : (ushort)1);
            _rig.Tell(uint.MaxValue, what, 0);
        }

        Assert.Null(_rig.Heard());
        Assert.False(_rig.Driver.NeedsReset);
        _rig.Queues[3].Add(new Piece(_rig.Rig.Ram.Take(7), 7, false));
        _rig.Driver.Notify(3);
        Assert.True(_rig.Driver.NeedsReset);
    }

    [Fact]
    public void Driver_GoesOnWithTheRestoredDevice_AlsoInTheMiddleOfABuffer()
    {
        _rig.Begin();
        using Socket one = _rig.Connect("one");
        Assert.Equal("1 PortOpen 1", _rig.Heard());
        byte[] data = new byte[60_000];
        int sent = 0;
        while (_rig.Send(5, [.. Enumerable.Repeat((byte)++sent, data.Length)]) == 1)
        {
        }

        var writer = new StateWriter();
        _rig.Rig.Pci.Function.Pause();
        _rig.Rig.Host.Save(writer);
        using var set = new PollSet();
        using var executor = new ImmediateExecutor();
        using var fresh = new VirtioRig(_rig.NewDevice(executor, set));
        fresh.Ram.Write(new Gpa(0), _rig.Rig.Ram.Read(new Gpa(0), (int)_rig.Rig.Memory.SizeBytes));
        var reader = new StateReader(writer.Bytes.ToArray());
        fresh.Host.Restore(reader);
        Assert.Null(reader.Error);
        fresh.Pci.Function.Resume();
        var got = new List<byte>();
        while (got.Count < sent * data.Length)
        {
            got.AddRange(Received(one, Math.Min(9000, (sent * data.Length) - got.Count)));
            executor.Ring();
        }

        Assert.All(Enumerable.Range(0, sent), i => Assert.Equal((byte)(i + 1), got.Skip(i * data.Length).Take(data.Length).Distinct().Single()));
        one.Send("in"u8);
        executor.Ring();
        Assert.NotNull(_rig.Queues[4].On(fresh.Ram).Take());
    }

    [Fact]
    public void AnyMessages_NeitherThrowNorHang()
    {
        Gen.Select(Gen.UInt[0, 4], Gen.UInt[0, 9], Gen.UShort[0, 2], Gen.Int[0, 5]).Array[1, 60].Sample(
            steps =>
            {
                using var rig = new ConsoleRig();
                rig.Start(RingKinds.Split | ConsoleRig.Several);

                // What is written to a port that nobody has stays in its queue.
                int waiting = 0;
                foreach ((uint port, uint what, ushort value, int more) in steps)
                {
                    rig.Tell(port, (ConsoleEvent)what, value);
                    if (more == 0)
                    {
                        rig.Connect(port == 0 ? "console" : port == 1 ? "one" : "two").Dispose();
                    }
                    else if (more == 1 && waiting < rig.Queues[5].Size)
                    {
                        waiting += 1 - rig.Send(5, [1, 2]);
                    }

                    _ = rig.Heard();
                }

                Assert.False(rig.Driver.NeedsReset);
                rig.Begin();
                using Socket console = rig.Connect("console");
                Assert.Equal(1, rig.Send(1, [5]));
            },
            iter: 100,
            threads: 1);
    }

    private string[] All()
    {
        var all = new List<string>();
        for (string? message = _rig.Heard(); message is not null; message = _rig.Heard())
        {
            all.Add(message);
        }

        return [.. all];
    }

    private static byte[] Received(Socket socket, int count, bool all = true)
    {
        byte[] data = new byte[count];
        int got = 0;
        do
        {
            got += socket.Receive(data.AsSpan(got));
        }
        while (all && got < count);

        return data[..got];
    }
}
