using System.Net.Sockets;
using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Tests.Virtio.Driver;
using Bulkhead.Devices.Virtio.Vsock;
using Bulkhead.Host.Files;
using Bulkhead.Host.Threads;
using Xunit;

namespace Bulkhead.Devices.Tests.Virtio.Vsock;

/// <summary>A guest with sockets: a driver that sends and takes packets, and a folder of the host. It works at once, on the test's thread.</summary>
internal sealed class VsockRig : IDisposable
{
    public const uint GuestPort = 1000;
    public const int BufferBytes = 4096 + VsockHeader.Bytes;
    private const int Buffers = 16;

    private readonly PollSet _set;
    private readonly string _folder = Directory.CreateTempSubdirectory("vsock").FullName;
    private readonly Gpa _transmitAt;
    private readonly Dictionary<int, Gpa> _posted = [];
    private readonly IDeviceExecutor _executor;
    private int _unreturned;

    public VsockRig(ulong features = RingKinds.Split, uint cid = 3, bool receives = true, bool starts = true, IDeviceExecutor? executor = null, PollSet? set = null, DescriptorBudget? descriptors = null)
    {
        _set = set ?? new PollSet();
        _executor = executor ?? new ImmediateExecutor();
        Endpoint = new VsockEndpoint(cid, descriptors ?? DescriptorBudget.OfProcess(), Path.Combine(_folder, "v"));
        Device = new VirtioVsock(Endpoint, _set, _executor);
        Rig = new VirtioRig(Device);
        Driver = new VirtioDriver(Rig);
        _transmitAt = Rig.Ram.Take(ByteRing.Capacity + VsockHeader.Bytes + 64);
        Receive = null!; // Start makes it
        Transmit = null!;
        if (starts)
        {
            Start(features, receives);
        }
    }

    public VsockEndpoint Endpoint { get; }

    public VirtioVsock Device { get; }

    public VirtioRig Rig { get; }

    public VirtioDriver Driver { get; }

    public DriverQueue Receive { get; private set; }

    public DriverQueue Transmit { get; private set; }

    public string PathOf(uint port) => Path.Combine(_folder, $"v_{port}");

    public string HostPath => Path.Combine(_folder, "v");

    public uint BufferSize { get; set; } = 1 << 20;

    public void Start(ulong features, bool receives = true)
    {
        Assert.True(Driver.Negotiate(features));
        Receive = Driver.Open(0, 64);
        Transmit = Driver.Open(1, 16);
        _unreturned = 0;
        Driver.Ready();
        for (int i = 0; i < Buffers && receives; i++)
        {
            Post(Rig.Ram.Take(BufferBytes));
        }

        Driver.Notify(0);
    }

    public void Post(Gpa at, int bytes = BufferBytes) => _posted[Receive.Add(new Piece(at, (uint)bytes, true))] = at;

    /// <summary>The device looks at what the host did.</summary>
    public void Work() => _executor.Ring();

    /// <summary>Sends a packet of the guest.</summary>
    public void Send(VsockPacket packet, ReadOnlySpan<byte> data = default)
    {
        Put(packet, data);
        Assert.NotNull(Transmit.Take());
    }

    /// <summary>Sends a packet, and waits until it was taken by a device that works on a thread.</summary>
    public void SendLater(VsockPacket packet, ReadOnlySpan<byte> data = default)
    {
        Put(packet, data);
        Assert.True(SpinWait.SpinUntil(() => Transmit.Take() is not null, 30_000));
    }

    /// <summary>Waits for a packet of a device that works on a thread.</summary>
    public VsockPacket Await(VsockOperation operation)
    {
        (VsockPacket Packet, byte[] Data)? taken = null;
        Assert.True(SpinWait.SpinUntil(() => (taken = Take()) is not null, 30_000));
        Assert.Equal(operation, taken?.Packet.Operation);
        return taken!.Value.Packet; // it was compared
    }

    /// <summary>Sends bytes as they are; false where the device owes too many back.</summary>
    public bool TrySendRaw(Gpa at, int bytes)
    {
        while (Transmit.Take() is not null)
        {
            _unreturned--;
        }

        if (_unreturned >= Transmit.Size)
        {
            return false;
        }

        Transmit.Add(new Piece(at, (uint)bytes, false));
        _unreturned++;
        Driver.Notify(1);
        return true;
    }

    public VsockPacket Packet(VsockOperation operation, uint port, ulong cid = 2, uint flags = 0, uint forwarded = 0, uint length = 0, uint guestPort = GuestPort) =>
        new(Endpoint.Cid, cid, guestPort, port, operation) { Flags = flags, BufferBytes = BufferSize, ForwardedBytes = forwarded, Length = length };

    public void SendData(uint port, byte[] data, ulong cid = 2, uint forwarded = 0, uint guestPort = GuestPort) =>
        Send(Packet(VsockOperation.ReadWrite, port, cid, forwarded: forwarded, length: (uint)data.Length, guestPort: guestPort), data);

    /// <summary>Takes the next packet to the guest, and posts its buffer again; null where there is none.</summary>
    public (VsockPacket Packet, byte[] Data)? Take(bool again = true)
    {
        if (Receive.Take() is not { } used)
        {
            return null;
        }

        Gpa at = _posted[used.Id];
        byte[] bytes = Rig.Ram.Read(at, (int)used.Written);
        if (again)
        {
            Post(at);
            Driver.Notify(0);
        }

        var packet = VsockPacket.Read(bytes);
        Assert.Equal((int)packet.Length, bytes.Length - VsockHeader.Bytes);
        Assert.Equal(Endpoint.Cid, packet.DestinationCid);
        return (packet, bytes[VsockHeader.Bytes..]);
    }

    public VsockPacket Expect(VsockOperation operation)
    {
        (VsockPacket Packet, byte[] Data)? taken = Take();
        Assert.Equal(operation, taken?.Packet.Operation);
        return taken!.Value.Packet; // it was compared
    }

    /// <summary>Somebody of the host listens at a port.</summary>
    public Socket Listen(uint port)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(PathOf(port)));
        socket.Listen();
        return socket;
    }

    /// <summary>The guest connects to a port of the host; the answer is the host's end.</summary>
    public Socket ConnectOut(Socket listener, uint port, uint guestPort = GuestPort)
    {
        Send(Packet(VsockOperation.Request, port, guestPort: guestPort));
        Expect(VsockOperation.Response);
        Socket socket = listener.Accept();
        socket.ReceiveTimeout = 10_000;
        return socket;
    }

    /// <summary>A process of the host connects and says this.</summary>
    public Socket ConnectIn(string line)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 10_000 };
        socket.Connect(new UnixDomainSocketEndPoint(HostPath));
        socket.Send(System.Text.Encoding.ASCII.GetBytes(line));
        Work();
        return socket;
    }

    public static byte[] ReadAll(Socket socket, int count)
    {
        byte[] data = new byte[count];
        for (int at = 0; at < count;)
        {
            int got = socket.Receive(data.AsSpan(at));
            Assert.NotEqual(0, got);
            at += got;
        }

        return data;
    }

    public void Dispose()
    {
        Rig.Dispose();
        _executor.Dispose();
        _set.Dispose();
        Endpoint.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private void Put(VsockPacket packet, ReadOnlySpan<byte> data)
    {
        byte[] header = new byte[VsockHeader.Bytes];
        packet.Write(header);
        Rig.Ram.Write(_transmitAt, header);
        if (data.Length > 0)
        {
            Rig.Ram.Write(_transmitAt + VsockHeader.Bytes, data);
        }

        Transmit.Add(new Piece(_transmitAt, (uint)(header.Length + data.Length), false));
        Driver.Notify(1);
    }
}
