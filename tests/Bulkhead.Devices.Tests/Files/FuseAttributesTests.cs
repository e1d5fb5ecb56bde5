using Bulkhead.Abi.Fuse;
using Bulkhead.Devices.Backends.Files;
using Bulkhead.Host.Files;
using Bulkhead.Host.Files.Trees;
using Xunit;

namespace Bulkhead.Devices.Tests.Files;

/// <summary>What there is to know of files, and to change of it.</summary>
public sealed class FuseAttributesTests : IDisposable
{
    private readonly FuseClient _guest = new();

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void Owner_OfTheOperatorsIsRoot_AndOfOthersNobody()
    {
        ulong a = _guest.Create(FuseClient.Root, "a").Good().Node;
        Assert.Equal((0u, 0u), _guest.Attributes(a).Good().Owner(FuseAnswer.OfAttributes));

        using var root = new SharedFolder("/", "root", readOnly: true, guestBytes: 1 << 24, DescriptorBudget.OfProcess());
        var server = new FuseServer(root);
        _guest.Begin(server);
        FuseAnswer of = _guest.Ask(server, FuseOpcode.Lookup, FuseClient.Root, new FuseBody().Text("tmp")).Good();
        Assert.Equal(UserIds.User == 0 ? 0u : FuseServer.Nobody, of.Owner(FuseAnswer.OfEntry).User);
        server.Reset();
    }

    [Fact]
    public void Owner_StaysAsItIs()
    {
        ulong a = _guest.Create(FuseClient.Root, "a").Good().Node;

        _guest.Change(a, FuseChange.User | FuseChange.Group, user: 0, group: 0).Good();
        Assert.Equal(Errno.NotPermitted, _guest.Change(a, FuseChange.User, user: 1000).Error);
        Assert.Equal(Errno.NotPermitted, _guest.Change(a, FuseChange.Group, group: 1000).Error);
        Assert.Equal(Errno.NotPermitted, _guest.Change(a, FuseChange.User | FuseChange.Mode, user: 1000, mode: 0x1ff).Error);
        Assert.NotEqual((UnixFileMode)0x1ff, _guest.RightsOf("a"));
    }

    [Fact]
    public void Mode_HasNoSetIdBits_ButOnFolders()
    {
        ulong a = _guest.Create(FuseClient.Root, "a").Good().Node;
        ulong d = _guest.MakeFolder(FuseClient.Root, "d").Good().Node;

        Assert.Equal(0x81edu, _guest.Change(a, FuseChange.Mode, mode: 0x1ed).Good().Mode(FuseAnswer.OfAttributes));
        foreach (uint bit in (uint[])[0x800, 0x400])
        {
            Assert.Equal(Errno.NotPermitted, _guest.Change(a, FuseChange.Mode, mode: bit | 0x1ed).Error);
            Assert.Equal(Errno.NotPermitted, _guest.Create(FuseClient.Root, "b", mode: bit | 0x1ed).Error);
            Assert.Equal(Errno.NotPermitted, _guest.Ask(FuseOpcode.MakeNode, FuseClient.Root, new FuseBody().U32(0x81ed | bit, 0, 0, 0).Text("b")).Error);
        }

        Assert.Equal((UnixFileMode)0x1ed, _guest.RightsOf("a"));
        Assert.False(File.Exists(_guest["b"]));
        Assert.Equal(0x45edu, _guest.Change(d, FuseChange.Mode, mode: 0x5ed).Good().Mode(FuseAnswer.OfAttributes));
    }

    [Fact]
    public void SetIdBitsOfTheHost_GoWhenAnybodyWrites()
    {
        const UnixFileMode setId = UnixFileMode.SetUser | UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        File.WriteAllText(_guest["a"], "program");
        File.WriteAllText(_guest["b"], "other");
        ulong a = _guest.Find("a");
        ulong handle = _guest.Open(a, FuseClient.ReadWrite).Good().U64(0);
        ulong other = _guest.Open(_guest.Find("b"), FuseClient.ReadOnly).Good().U64(0);

        foreach (Action<FuseClient> change in (Action<FuseClient>[])
            [
                g => g.Write(handle, 0, [1]).Good(),
                g => g.Write(handle, 0, [1], flags: 4).Good(),
                g => g.Change(a, FuseChange.Size, size: 3).Good(),
                g => g.Change(a, FuseChange.Size | FuseChange.Handle, handle, 2).Good(),
                g => g.Change(a, FuseChange.DropSetIds).Good(),
                g => g.Ask(FuseOpcode.Allocate, a, new FuseBody().U64(handle, 0, 100).U32(0, 0)).Good(),
                g => g.Ask(FuseOpcode.CopyRange, a, new FuseBody().U64(other, 0, a, handle, 0, 3, 0)).Good(),
                g => g.Open(a, FuseClient.WriteOnly | FuseClient.Truncate).Good(),
                g => g.Create(FuseClient.Root, "a", FuseClient.ReadOnly | FuseClient.Truncate).Good(),
            ])
        {
            _guest.SetRights("a", setId);
            change(_guest);
            Assert.Equal(setId & ~UnixFileMode.SetUser, _guest.RightsOf("a"));
        }
    }

    [Fact]
    public void SetIdBitsOfTheHost_StayWhereNothingIsWritten()
    {
        const UnixFileMode setId = (UnixFileMode)0x9ed;
        File.WriteAllText(_guest["a"], "program");
        ulong a = _guest.Find("a");
        ulong handle = _guest.Open(a, FuseClient.ReadOnly).Good().U64(0);
        _guest.SetRights("a", setId);

        Assert.Equal(Errno.BadDescriptor, _guest.Write(handle, 0, [1], flags: 4).Error);
        Assert.Equal(Errno.BadDescriptor, _guest.Ask(FuseOpcode.Allocate, a, new FuseBody().U64(handle, 0, 100).U32(0, 0)).Error);
        Assert.Equal(Errno.BadDescriptor, _guest.Ask(FuseOpcode.CopyRange, a, new FuseBody().U64(handle, 0, a, handle, 0, 3, 0)).Error);
        Assert.Equal(Errno.Invalid, _guest.Change(a, FuseChange.Size | FuseChange.Handle, handle, 2).Error);
        Assert.Equal(setId, _guest.RightsOf("a"));
    }

    [Fact]
    public void Size_ByNodeAndByHandle()
    {
        FuseAnswer a = _guest.Create(FuseClient.Root, "a").Good();
        Assert.Equal(100ul, _guest.Change(a.Node, FuseChange.Size, size: 100).Good().Size(FuseAnswer.OfAttributes));
        Assert.Equal(7ul, _guest.Change(a.Node, FuseChange.Size | FuseChange.Handle, FuseClient.HandleOf(a), 7).Good().Size(FuseAnswer.OfAttributes));
        Assert.Equal(Errno.Invalid, _guest.Change(a.Node, FuseChange.Size, size: ulong.MaxValue).Error);
        Assert.Equal(7, new FileInfo(_guest["a"]).Length);
        Assert.Equal(Errno.IsDirectory, _guest.Change(FuseClient.Root, FuseChange.Size).Error);
    }

    [Fact]
    public void Times_AreSetOrNow_AlsoOfLinks()
    {
        ulong a = _guest.Create(FuseClient.Root, "a").Good().Node;
        ulong link = _guest.MakeSymbolicLink(FuseClient.Root, "l", "a").Good().Node;

        Assert.Equal(1000, _guest.Change(a, FuseChange.WriteTime | FuseChange.AccessTime, access: 2000, write: 1000).Good().WriteSeconds(FuseAnswer.OfAttributes));
        Assert.Equal(DateTimeOffset.FromUnixTimeSeconds(2000).UtcDateTime, File.GetLastAccessTimeUtc(_guest["a"]), TimeSpan.FromSeconds(1));
        Assert.Equal(3000, _guest.Change(link, FuseChange.WriteTime, write: 3000).Good().WriteSeconds(FuseAnswer.OfAttributes));
        Assert.Equal(1000, _guest.Attributes(a).WriteSeconds(FuseAnswer.OfAttributes));
        Assert.True(_guest.Change(a, FuseChange.WriteTime | FuseChange.WriteNow, write: 1).Good().WriteSeconds(FuseAnswer.OfAttributes) > 1_000_000_000);
    }

    [Fact]
    public void Access_AsksTheHost()
    {
        ulong a = _guest.Create(FuseClient.Root, "a", mode: 0x180).Good().Node;
        _guest.Ask(FuseOpcode.Access, a, new FuseBody().U32(6, 0)).Good();
        Assert.Equal(Errno.Access, _guest.Ask(FuseOpcode.Access, a, new FuseBody().U32(1, 0)).Error); // nobody may run it
    }

    [Fact]
    public void Statistics_AreThoseOfTheHost()
    {
        FuseAnswer room = _guest.Ask(FuseOpcode.Statistics, FuseClient.Root).Good();
        var drive = new DriveInfo(_guest.Folder);
        Assert.Equal(80, room.Data.Length);
        Assert.Equal(255u, room.U32(44));
        Assert.Equal((ulong)drive.TotalSize, room.U64(0) * room.U32(48));
        _guest.Ask(FuseOpcode.SyncAll, FuseClient.Root, new FuseBody().U64(0)).Good();
    }
}
