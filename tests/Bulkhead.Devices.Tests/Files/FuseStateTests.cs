using Bulkhead.Core.State;
using Bulkhead.Devices.Backends.Files;
using Bulkhead.Host.Files;
using CsCheck;
using Xunit;

namespace Bulkhead.Devices.Tests.Files;

/// <summary>What a guest knows and has open is saved and read again.</summary>
public sealed class FuseStateTests : IDisposable
{
    private readonly FuseClient _guest = new();

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void Guest_GoesOnWithTheRestoredServer()
    {
        ulong d = _guest.MakeFolder(FuseClient.Root, "d").Good().Node;
        FuseAnswer a = _guest.Create(d, "a").Good();
        ulong handle = FuseClient.HandleOf(a);
        _guest.Write(handle, 0, "hello"u8.ToArray()).Good();
        _guest.Link(a.Node, FuseClient.Root, "b").Good();
        ulong list = _guest.Ask(Abi.Fuse.FuseOpcode.OpenFolder, d, new FuseBody().U32(0, 0)).Good().U64(0);
        FuseAnswer gone = _guest.Create(FuseClient.Root, "gone").Good();
        _guest.Unlink(FuseClient.Root, "gone").Good();
        byte[] state = Save();
        _guest.Server.Reset();
        File.Delete(_guest["d/a"]); // it still is b

        var server = new FuseServer(_guest.Shared);
        Assert.Null(Restore(server, state));
        _guest.GoOnWith(server);
        Assert.Equal("hello"u8.ToArray(), _guest.Read(handle, 0, 10).Good().Data);
        Assert.Equal(5u, _guest.Write(handle, 5, "again"u8.ToArray()).Good().U32(0));
        Assert.Equal(10ul, _guest.Attributes(a.Node).Good().Size(FuseAnswer.OfAttributes));
        Assert.Equal((d, a.Node), (_guest.Find("d"), _guest.Find("b")));
        Assert.NotEmpty(_guest.Ask(Abi.Fuse.FuseOpcode.ReadFolder, d, new FuseBody().U64(list, 0).U32(4096, 0).U64(0).U32(0, 0)).Good().Data);
        Assert.Equal(Errno.Stale, _guest.Read(FuseClient.HandleOf(gone), 0, 1).Error);
        Assert.Equal(Errno.Stale, _guest.Attributes(gone.Node).Error);
        _guest.Release(FuseClient.HandleOf(gone)).Good();
        Assert.True(_guest.Create(FuseClient.Root, "new").Good().Node > gone.Node);
        _guest.Forget(d, 2);
        _guest.Forget(a.Node, 3);
        Assert.Equal(3, server.KnownCount); // the topmost one, gone, new
    }

    [Fact]
    public void Saving_TwiceIsTheSame()
    {
        _guest.Create(_guest.MakeFolder(FuseClient.Root, "d").Good().Node, "a").Good();
        byte[] state = Save();
        var server = new FuseServer(_guest.Shared);
        Assert.Null(Restore(server, state));
        var writer = new StateWriter();
        server.Save(writer);
        Assert.Equal(state, writer.Bytes.ToArray());
        server.Reset();
    }

    [Fact]
    public void State_ChangedAnywhere_RestoresOrIsAnErrorAndNothingElse()
    {
        ulong d = _guest.MakeFolder(FuseClient.Root, "d").Good().Node;
        _guest.Link(_guest.Create(d, "a").Good().Node, FuseClient.Root, "b").Good();
        byte[] state = Save();
        byte[] answer = new byte[4096];
        Gen.Select(Gen.Int[0, state.Length - 1], Gen.Byte, Gen.Int[0, state.Length]).Sample(
            (at, value, length) =>
            {
                byte[] hostile = [.. state];
                hostile[at] = value;
                var server = new FuseServer(_guest.Shared);
                _ = Restore(server, hostile.AsMemory(0, (value & 1) != 0 ? state.Length : length));
                for (ulong node = 0; node < 6; node++)
                {
                    server.Serve(FuseClient.Request(Abi.Fuse.FuseOpcode.GetAttributes, node, new FuseBody().U64(0, 0)), answer);
                    server.Serve(FuseClient.Request(Abi.Fuse.FuseOpcode.Lookup, node, new FuseBody().Text("a")), answer);
                    server.Serve(FuseClient.Request(Abi.Fuse.FuseOpcode.Forget, node, new FuseBody().U64(100)), []);
                }

                server.Reset();
            },
            iter: 3000,
            threads: 1);
        Assert.Equal("secret", File.ReadAllText(_guest.Outside));
    }

    private byte[] Save()
    {
        var writer = new StateWriter();
        _guest.Server.Save(writer);
        return writer.Bytes.ToArray();
    }

    private static string? Restore(FuseServer server, ReadOnlyMemory<byte> state)
    {
        var reader = new StateReader(state);
        server.Restore(reader);
        return reader.Error;
    }
}
