using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;
using Bulkhead.Devices.Backends.Ports;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Tests.Virtio.Driver;
using Bulkhead.Devices.Virtio.Console;
using Bulkhead.Host.Threads;
using Xunit;

namespace Bulkhead.Devices.Tests.Virtio.Console;

/// <summary>A console of 80 columns and 24 rows, two ports with names, and a driver of them. It works at once, on the test's thread.</summary>
internal sealed class ConsoleRig : IDisposable
{
    public const int BufferBytes = 4096;
    public const ulong Several = ConsoleFeatures.MultiplePorts | ConsoleFeatures.Size;

    private readonly PollSet _set = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("console").FullName;
    private readonly ImmediateExecutor _executor = new();
    private readonly HostPort? _console;
    private readonly HostPort[] _named;
    private readonly Dictionary<(int Queue, int Id), Gpa> _posted = [];

    public ConsoleRig(bool console = true)
    {
        _console = console ? new HostPort(string.Empty, PathOf("console"), 80, 24, Viewers = new PortViewers(data => Viewed.AddRange(data))) : null;
        _named = [new HostPort("one", PathOf("one")), new HostPort("org.two", PathOf("two"))];
        Device = NewDevice(_executor, _set);
        Rig = new VirtioRig(Device);
        Driver = new VirtioDriver(Rig);
    }

    public VirtioConsole Device { get; }

    public PortViewers? Viewers { get; }

    /// <summary>What those who look on at the console saw.</summary>
    public List<byte> Viewed { get; } = [];

    public VirtioRig Rig { get; }

    public VirtioDriver Driver { get; }

    public DriverQueue[] Queues { get; private set; } = [];

    public string PathOf(string name) => Path.Combine(_folder, name);

    /// <summary>Another device of the same ports.</summary>
    public VirtioConsole NewDevice(IDeviceExecutor executor, PollSet set) => new(_console, _named, set, executor);

    /// <summary>All queues of ports 0 to 2, with buffers where the device has something to say.</summary>
    public void Start(ulong features)
    {
        Assert.True(Driver.Negotiate(features));
        _posted.Clear();
        Queues = [.. Enumerable.Range(0, (features & ConsoleFeatures.MultiplePorts) != 0 ? 8 : 2).Select(i => Driver.Open(i, 16))];
        Driver.Ready();
        for (int i = 0; i < Queues.Length; i += 2)
        {
            for (int n = 0; n < 8; n++)
            {
                Post(i, Rig.Ram.Take(BufferBytes));
            }
        }
    }

    /// <summary>The driver is ready, and for every port; the messages are taken.</summary>
    public void Begin(ulong features = RingKinds.Split | Several)
    {
        Start(features);
        Tell(uint.MaxValue, ConsoleEvent.DeviceReady, 1);
        for (uint port = 0; port < 3; port++)
        {
            Tell(port, ConsoleEvent.PortReady, 1);
            Tell(port, ConsoleEvent.PortOpen, 1);
        }

        while (Heard() is not null)
        {
        }
    }

    public void Post(int queue, Gpa at, int bytes = BufferBytes)
    {
        _posted[(queue, Queues[queue].Add(new Piece(at, (uint)bytes, true)))] = at;
        Driver.Notify(queue);
    }

    /// <summary>The device looks at what the host did.</summary>
    public void Work() => _executor.Ring();

    public void Tell(uint port, ConsoleEvent what, ushort value)
    {
        byte[] message = new byte[ConsoleMessage.Bytes];
        BinaryPrimitives.WriteUInt32LittleEndian(message, port);
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(ConsoleMessage.Event), (ushort)what);
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(ConsoleMessage.Value), value);
        Queues[3].Add(new Piece(Rig.Ram.Put(message), (uint)message.Length, false));
        Driver.Notify(3);
        Assert.NotNull(Queues[3].Take());
    }

    /// <summary>The next message of the device: <c>port event value rest</c>; null where there is none.</summary>
    public string? Heard()
    {
        byte[]? m = Take(2);
        return m is null ? null
            : $"{BitConverter.ToUInt32(m)} {(ConsoleEvent)BitConverter.ToUInt16(m, 4)} {BitConverter.ToUInt16(m, 6)} {Rest(m)}".TrimEnd();
    }

    /// <summary>The next bytes for a port; null where there are none.</summary>
    public byte[]? Take(int queue)
    {
        if (Queues[queue].Take() is not { } used)
        {
            return null;
        }

        Gpa at = _posted[(queue, used.Id)];
        byte[] bytes = Rig.Ram.Read(at, (int)used.Written);
        Post(queue, at);
        return bytes;
    }

    /// <summary>Writes to a port; how many buffers the device gave back.</summary>
    public int Send(int queue, byte[] data)
    {
        Queues[queue].Add(new Piece(Rig.Ram.Put(data), (uint)data.Length, false));
        Driver.Notify(queue);
        int back = 0;
        while (Queues[queue].Take() is not null)
        {
            back++;
        }

        return back;
    }

    public Socket Connect(string name)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 10_000 };
        socket.Connect(new UnixDomainSocketEndPoint(PathOf(name)));
        Work();
        return socket;
    }

    public void Dispose()
    {
        Rig.Dispose();
        _executor.Dispose();
        _set.Dispose();
        _console?.Dispose();
        foreach (HostPort port in _named)
        {
            port.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private static string Rest(byte[] message) => (ConsoleEvent)BitConverter.ToUInt16(message, 4) == ConsoleEvent.Resize
        ? $"{BitConverter.ToUInt16(message, 8)}x{BitConverter.ToUInt16(message, 10)}"
        : Encoding.ASCII.GetString(message.AsSpan(ConsoleMessage.Bytes));
}
