using System.Buffers.Binary;
using Bulkhead.Abi.Fuse;
using Bulkhead.Devices.Backends.Files;
using Bulkhead.Host.Files;
using Xunit;

namespace Bulkhead.Devices.Tests.Files;

/// <summary>How a session begins and ends, and what a guest may know meanwhile.</summary>
public sealed class FuseSessionTests : IDisposable
{
    private readonly FuseClient _guest = new(begins: false);
    private readonly byte[] _answer = new byte[200];

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void Initialize_TellsWhatWeCan()
    {
        FuseAnswer answer = _guest.Begin(_guest.Server);
        Assert.Equal(64, answer.Data.Length);
        Assert.Equal((7u, 31u), (answer.U32(0), answer.U32(4)));
        Assert.Equal(1u << 20, answer.U32(20)); // of a write
        Assert.Equal(256, BitConverter.ToUInt16(answer.Data, 28)); // pages
        FuseAnswer less = _guest.Ask(FuseOpcode.Initialize, 0, new FuseBody().U32(7, 31, 0, (uint)FuseFeatures.BigWrites)).Good();
        Assert.Equal((uint)FuseFeatures.BigWrites, less.U32(12));
    }

    [Theory]
    [InlineData(6u, 40u, Errno.Protocol)]
    [InlineData(7u, 30u, Errno.Protocol)]
    [InlineData(8u, 0u, 0)]
    public void Initialize_OfAnotherVersion(uint major, uint minor, int error)
    {
        FuseAnswer answer = _guest.Ask(FuseOpcode.Initialize, 0, new FuseBody().U32(major, minor, 0, 0));
        Assert.Equal(error, answer.Error);
        Assert.Equal(Errno.InputOutput, _guest.Attributes(FuseClient.Root).Error); // it has not begun
    }

    [Fact]
    public void Requests_BeforeTheBeginningAndAfterTheEnd_AreRefused()
    {
        Assert.Equal(Errno.InputOutput, _guest.Attributes(FuseClient.Root).Error);
        _guest.Begin(_guest.Server);
        ulong node = _guest.Create(FuseClient.Root, "a").Good().Node;
        _guest.Ask(FuseOpcode.Destroy, 0).Good();
        Assert.Equal((1, 0), (_guest.Server.KnownCount, _guest.Server.OpenCount));
        Assert.Equal(Errno.InputOutput, _guest.Attributes(FuseClient.Root).Error);
        _guest.Begin(_guest.Server);
        Assert.Equal(Errno.Stale, _guest.Attributes(node).Error);
        Assert.NotEqual(node, _guest.Find("a")); // a number is not given twice
    }

    [Fact]
    public void UnknownRequests_AreRefused()
    {
        _guest.Begin(_guest.Server);
        foreach (uint opcode in (uint[])[0, 7, 31, 37, 39, 40, 48, 51, 4096, uint.MaxValue])
        {
            Assert.Equal(Errno.NoSuchCall, _guest.Ask((FuseOpcode)opcode, FuseClient.Root, new FuseBody().U64(0, 0, 0)).Error);
        }
    }

    [Fact]
    public void Requests_WithoutAHeaderOrRoomForAnAnswer_AreNone()
    {
        byte[] request = FuseClient.Request(FuseOpcode.GetAttributes, FuseClient.Root, new FuseBody().U64(0, 0));
        Assert.Equal(-1, _guest.Server.Serve(request.AsSpan(0, 39), _answer));
        Assert.Equal(-1, _guest.Server.Serve(request, _answer.AsSpan(0, 15)));
        Assert.Equal(16, _guest.Server.Serve(request, _answer.AsSpan(0, 16)));
    }

    [Fact]
    public void Request_ThatSaysAnotherLength_IsRefused()
    {
        _guest.Begin(_guest.Server);
        byte[] request = FuseClient.Request(FuseOpcode.GetAttributes, FuseClient.Root, new FuseBody().U64(0, 0));
        BinaryPrimitives.WriteInt32LittleEndian(request, request.Length + 1);
        Assert.Equal(16, _guest.Server.Serve(request, _answer));
        Assert.Equal(-Errno.Invalid, BinaryPrimitives.ReadInt32LittleEndian(_answer.AsSpan(4)));
    }

    [Fact]
    public void Answer_ThatFindsNoRoom_IsAnError()
    {
        _guest.Begin(_guest.Server);
        byte[] request = FuseClient.Request(FuseOpcode.GetAttributes, FuseClient.Root, new FuseBody().U64(0, 0));
        Assert.Equal(16, _guest.Server.Serve(request, _answer.AsSpan(0, 100)));
        Assert.Equal(-Errno.Invalid, BinaryPrimitives.ReadInt32LittleEndian(_answer.AsSpan(4)));
        Assert.Equal(120, _guest.Server.Serve(request, _answer.AsSpan(0, 120)));
    }

    [Fact]
    public void Forget_OneByOneAndManyAtOnce()
    {
        _guest.Begin(_guest.Server);
        ulong d = _guest.MakeFolder(FuseClient.Root, "d").Good().Node;
        ulong a = _guest.Create(d, "a").Good().Node;
        _guest.Find("d/a");
        _guest.Forget(a);
        _guest.Forget(d, 2); // what is in it holds it
        _guest.Attributes(a).Good();
        Assert.Equal(3, _guest.Server.KnownCount);
        var many = new FuseBody().U32(3, 0).U64(a, 1, 999, 5, FuseClient.Root, 7);
        Assert.Equal(0, _guest.Server.Serve(FuseClient.Request(FuseOpcode.BatchForget, 0, many), []));
        Assert.Equal(1, _guest.Server.KnownCount);
        _guest.Attributes(FuseClient.Root).Good(); // which is never forgotten
        Assert.Equal(0, _guest.Server.Serve(FuseClient.Request(FuseOpcode.BatchForget, 0, new FuseBody().U32(uint.MaxValue, 0)), []));
        Assert.Equal(0, _guest.Server.Serve(FuseClient.Request(FuseOpcode.Interrupt, 0, new FuseBody().U64(7)), []));
    }

    [Fact]
    public void Guest_ThatForgetsNothing_IsToldOfNoMore()
    {
        using var guest = new FuseClient(guestBytes: 1, inMemory: true);
        int most = guest.Shared.MostKnown;
        Assert.Equal(1 << 14, most);
        int told = 0;
        FuseAnswer last;
        do
        {
            // A name that goes at once: the node stays, without a place.
            last = guest.Ask(FuseOpcode.MakeNode, FuseClient.Root, new FuseBody().U32(0x81a4, 0, 0, 0).Text("n"));
            told += last.Error == 0 ? 1 : 0;
            guest.Unlink(FuseClient.Root, "n").Good();
        }
        while (last.Error == 0 && told <= most);

        Assert.Equal(Errno.TooManyHere, last.Error);
        Assert.Equal(most, told);
        Assert.Equal(most + 1, guest.Server.KnownCount);
    }

    [Fact]
    public void ManyNamesOfOneFile_AreBounded()
    {
        using var guest = new FuseClient(guestBytes: 1, inMemory: true);
        ulong a = guest.Create(FuseClient.Root, "a").Good().Node;
        for (int i = 0; i < 200; i++)
        {
            guest.Link(a, FuseClient.Root, $"b{i}").Good();
        }

        guest.Attributes(a).Good();
        Assert.Equal((2, ShareNodes.MostPlaces), (guest.Server.KnownCount, guest.Server.PlaceCount));
        for (int i = 199; i >= 0; i--)
        {
            Assert.Equal(a, guest.Find($"b{i}"));
            guest.Unlink(FuseClient.Root, $"b{i}").Good();
        }

        Assert.Equal(1u, guest.Lookup(FuseClient.Root, "a").Links(FuseAnswer.OfEntry));
        Assert.Equal(1, guest.Server.PlaceCount);
    }
}
