using System.Buffers.Binary;
using System.Text;
using Bulkhead.Abi.Fuse;
using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;
using Bulkhead.Core.State;
using Bulkhead.Devices.Backends.Files;
using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Tests.Files;
using Bulkhead.Devices.Tests.Virtio.Driver;
using Bulkhead.Devices.Virtio.Fs;
using Bulkhead.Host.Files;
using Xunit;

namespace Bulkhead.Devices.Tests.Virtio;

/// <summary>VIRTIO 1.2, 5.11 File System Device.</summary>
public sealed class FsTests : IDisposable
{
    private const int Urgent = 0;
    private const int Requests = 1;

    private readonly string _path = Directory.CreateTempSubdirectory("fs").FullName;
    private readonly SharedFolder _folder;
    private readonly VirtioFs _device;
    private readonly VirtioRig _rig;
    private readonly VirtioDriver _driver;
    private DriverQueue? _urgent;
    private DriverQueue? _requests;

    public FsTests()
    {
        _folder = new SharedFolder(_path, "täg", readOnly: false, guestBytes: 1 << 20, DescriptorBudget.OfProcess());
        _device = new VirtioFs(_folder, new ImmediateExecutor(), new ImmediateExecutor());
        _rig = new VirtioRig(_device);
        _driver = new VirtioDriver(_rig);
    }

    public void Dispose()
    {
        _rig.Dispose();
        _folder.Dispose();
        Directory.Delete(_path, recursive: true);
    }

    [Fact]
    public void S5_11_4_Configuration_HasTheTagAndTheNumberOfQueues()
    {
        byte[] tag = [.. Enumerable.Range(0, FsConfig.TagBytes).Select(i => (byte)_driver.Read(PciCapabilityKind.Device, i, 1))];
        Assert.Equal("täg", Encoding.UTF8.GetString(tag).TrimEnd('\0'));
        Assert.Equal(1ul, _driver.Read(PciCapabilityKind.Device, FsConfig.RequestQueues, 4));
        Assert.Equal(0ul, _driver.Read(PciCapabilityKind.Device, FsConfig.Size, 4));
        Assert.Equal(0x105Au, _rig.Port.Read32(0) >> 16);
        Assert.Equal(0ul, _driver.Offered & 1); // no notifications
    }

    [Theory]
    [MemberData(nameof(RingKinds.All), MemberType = typeof(RingKinds))]
    public void S5_11_6_Requests_AreAnswered_AndForgetsComeByTheUrgentQueue(bool packed, bool tables, bool eventIndex, bool inOrder)
    {
        Start(RingKinds.Features(packed, tables, eventIndex, inOrder));
        Begin();
        for (int i = 0; i < 40; i++)
        {
            byte[] made = Ask(FuseOpcode.Create, FuseClient.Root, new FuseBody().U32(FuseClient.ReadWrite, 0x1a4, 0, 0).Text($"a{i}"));
            ulong node = BinaryPrimitives.ReadUInt64LittleEndian(made.AsSpan(16));
            ulong handle = BinaryPrimitives.ReadUInt64LittleEndian(made.AsSpan(16 + 128));
            byte[] data = Encoding.ASCII.GetBytes($"hello {i}");
            _ = Ask(FuseOpcode.Write, node, new FuseBody().U64(handle, 0).U32((uint)data.Length, 0).U64(0).U32(0, 0).Data(data));
            byte[] read = Ask(FuseOpcode.Read, node, new FuseBody().U64(handle, 0).U32(100, 0).U64(0).U32(0, 0));
            Assert.Equal(data, read[16..]);
            _ = Ask(FuseOpcode.Release, node, new FuseBody().U64(handle).U32(0, 0).U64(0));
            _urgent!.Add(new Piece(_rig.Ram.Put(FuseClient.Request(FuseOpcode.Forget, node, new FuseBody().U64(1))), 48, false));
            _driver.Notify(Urgent);
            Assert.Equal(0u, _urgent.Take()?.Written);
        }

        Assert.Equal(1, _device.Server.KnownCount);
    }

    [Fact]
    public void Request_InManyPieces_IsOne()
    {
        Start(RingKinds.Split | VirtioFeatures.IndirectDescriptors);
        Begin();
        byte[] request = FuseClient.Request(FuseOpcode.MakeFolder, FuseClient.Root, new FuseBody().U32(0x1ed, 0).Text("folder"));
        Gpa at = _rig.Ram.Put(request);
        Gpa to = _rig.Ram.Take(144);
        Piece[] pieces =
        [
            .. Enumerable.Range(0, request.Length).Select(i => new Piece(at + (ulong)i, 1, false)),
            .. Enumerable.Range(0, 18).Select(i => new Piece(to + (8 * (ulong)i), 8, true)),
        ];
        _requests!.Add(pieces);
        _driver.Notify(Requests);

        Assert.Equal(144u, _requests.Take()?.Written);
        Assert.True(Directory.Exists(Path.Combine(_path, "folder")));
        Assert.Equal(0, BinaryPrimitives.ReadInt32LittleEndian(_rig.Ram.Read(to + 4, 4)));
    }

    [Theory]
    [InlineData(10, 100)] // no header
    [InlineData(56, 8)] // no room for an answer
    public void WhatIsNoRequest_NeedsReset(int readable, int writable)
    {
        Start(RingKinds.Split);
        _requests!.Add(
            new Piece(_rig.Ram.Put(FuseClient.Request(FuseOpcode.GetAttributes, FuseClient.Root, new FuseBody().U64(0, 0)).AsSpan(0, readable).ToArray()), (uint)readable, false),
            new Piece(_rig.Ram.Take((ulong)writable), (uint)writable, true));
        _driver.Notify(Requests);
        Assert.True(_driver.NeedsReset);
    }

    [Fact]
    public void Request_OfMoreThanTheLargest_NeedsReset()
    {
        Start(RingKinds.Split);
        _requests!.Add(new Piece(new Gpa(0), FuseServer.MostRequestBytes + 1, false), new Piece(_rig.Ram.Take(16), 16, true));
        _driver.Notify(Requests);
        Assert.True(_driver.NeedsReset);
    }

    [Fact]
    public void Forgets_ComeWhileRequestsAreServed_EachOnItsThread()
    {
        using var urgent = new ThreadExecutor("test urgent");
        using var requests = new ThreadExecutor("test requests");
        var device = new VirtioFs(_folder, urgent, requests);
        using var rig = new VirtioRig(device);
        var driver = new VirtioDriver(rig);
        Assert.True(driver.Negotiate(RingKinds.Split));
        (DriverQueue forgets, DriverQueue asks) = (driver.Open(Urgent, 16), driver.Open(Requests, 16));
        driver.Ready();
        Gpa to = rig.Ram.Take(400);
        byte[] Answer(FuseOpcode opcode, FuseBody body)
        {
            byte[] request = FuseClient.Request(opcode, FuseClient.Root, body);
            asks.Add(new Piece(rig.Ram.Put(request), (uint)request.Length, false), new Piece(to, 400, true));
            driver.Notify(Requests);
            UsedBuffer? used = null;
            Assert.True(SpinWait.SpinUntil(() => (used = asks.Take()) is not null, 30_000));
            return rig.Ram.Read(to, (int)used!.Value.Written); // it was awaited
        }

        _ = Answer(FuseOpcode.Initialize, FuseClient.BeginBody);
        File.WriteAllText(Path.Combine(_path, "a"), string.Empty);
        for (int i = 0; i < 2000; i++)
        {
            ulong node = BinaryPrimitives.ReadUInt64LittleEndian(Answer(FuseOpcode.Lookup, new FuseBody().Text("a")).AsSpan(16));
            while (forgets.Take() is not null)
            {
            }

            forgets.Add(new Piece(rig.Ram.Put(FuseClient.Request(FuseOpcode.Forget, node, new FuseBody().U64(1))), 48, false));
            driver.Notify(Urgent);
            Assert.True(i % 8 != 7 || SpinWait.SpinUntil(() => device.Server.KnownCount == 1, 30_000)); // so many fit into the queue
        }

        Assert.False(driver.NeedsReset);
    }

    [Fact]
    public void Reset_ClosesAndForgetsEverything()
    {
        Start(RingKinds.Split);
        Begin();
        _ = Ask(FuseOpcode.Create, FuseClient.Root, new FuseBody().U32(FuseClient.ReadWrite, 0x1a4, 0, 0).Text("a"));
        Assert.Equal((2, 1), (_device.Server.KnownCount, _device.Server.OpenCount));
        _driver.Reset();
        Assert.Equal((1, 0), (_device.Server.KnownCount, _device.Server.OpenCount));
        Start(RingKinds.Packed);
        Begin();
        _ = Ask(FuseOpcode.Lookup, FuseClient.Root, new FuseBody().Text("a"));
    }

    [Fact]
    public void Driver_GoesOnWithTheRestoredDevice()
    {
        Start(RingKinds.Split);
        Begin();
        byte[] made = Ask(FuseOpcode.Create, FuseClient.Root, new FuseBody().U32(FuseClient.ReadWrite, 0x1a4, 0, 0).Text("a"));
        ulong handle = BinaryPrimitives.ReadUInt64LittleEndian(made.AsSpan(16 + 128));
        var writer = new StateWriter();
        _rig.Pci.Function.Pause();
        _rig.Host.Save(writer);

        using var fresh = new VirtioRig(new VirtioFs(_folder, new ImmediateExecutor(), new ImmediateExecutor()));
        fresh.Ram.Write(new Gpa(0), _rig.Ram.Read(new Gpa(0), (int)_rig.Memory.SizeBytes));
        var reader = new StateReader(writer.Bytes.ToArray());
        fresh.Host.Restore(reader);
        Assert.Null(reader.Error);
        fresh.Pci.Function.Resume();
        VirtioDriver driver = _driver.On(fresh, VirtioRig.Window);
        DriverQueue queue = _requests!.On(fresh.Ram);
        byte[] request = FuseClient.Request(FuseOpcode.Write, 2, new FuseBody().U64(handle, 0).U32(5, 0).U64(0).U32(0, 0).Data("later"u8));
        queue.Add(new Piece(fresh.Ram.Put(request), (uint)request.Length, false), new Piece(fresh.Ram.Take(100), 100, true));
        driver.Notify(Requests);
        Assert.Equal(24u, queue.Take()?.Written);
        Assert.Equal("later", File.ReadAllText(Path.Combine(_path, "a")));
    }

    private void Start(ulong features)
    {
        Assert.True(_driver.Negotiate(features));
        _urgent = _driver.Open(Urgent, 16);
        _requests = _driver.Open(Requests, 128);
        _driver.Ready();
    }

    private void Begin() => Assert.Equal(80, Ask(FuseOpcode.Initialize, 0, FuseClient.BeginBody).Length);

    /// <summary>A request that is answered without an error: the answer.</summary>
    private byte[] Ask(FuseOpcode opcode, ulong node, FuseBody body)
    {
        byte[] request = FuseClient.Request(opcode, node, body);
        Gpa to = _rig.Ram.Take(400);
        _requests!.Add(new Piece(_rig.Ram.Put(request), (uint)request.Length, false), new Piece(to, 16, true), new Piece(to + 16, 384, true));
        _driver.Notify(Requests);
        UsedBuffer? used = _requests.Take();
        Assert.NotNull(used);
        byte[] answer = _rig.Ram.Read(to, (int)used.Value.Written);
        Assert.Equal(0, BinaryPrimitives.ReadInt32LittleEndian(answer.AsSpan(4)));
        return answer;
    }
}
