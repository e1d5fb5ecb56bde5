using Bulkhead.Abi.Fuse;
using Bulkhead.Host.Files;
using Xunit;

namespace Bulkhead.Devices.Tests.Files;

/// <summary>Names: found, given, taken.</summary>
public sealed class FuseNamesTests : IDisposable
{
    private readonly FuseClient _guest = new();

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void Lookup_TellsWhatIsThere_TheSameNodeForTheSameFile()
    {
        File.WriteAllText(_guest["a"], "hello");
        FuseAnswer a = _guest.Lookup(FuseClient.Root, "a").Good();

        Assert.True(a.Node > FuseClient.Root);
        Assert.Equal(5ul, a.Size(FuseAnswer.OfEntry));
        Assert.Equal(0x8000u, a.Mode(FuseAnswer.OfEntry) & 0xf000);
        Assert.Equal(a.Node, _guest.Lookup(FuseClient.Root, "a").Node);
        Assert.Equal(Errno.NoEntry, _guest.Lookup(FuseClient.Root, "b").Error);
        Assert.Equal(Errno.NotDirectory, _guest.Lookup(a.Node, "b").Error);
    }

    [Theory]
    [InlineData("..", Errno.Invalid)]
    [InlineData(".", Errno.Invalid)]
    [InlineData("", Errno.Invalid)]
    [InlineData("../outside", Errno.Invalid)]
    [InlineData("d/../../outside", Errno.Invalid)]
    [InlineData("/etc/passwd", Errno.Invalid)]
    [InlineData("d/a", Errno.Invalid)]
    public void Names_ThatAreMoreThanOneStepDown_AreRefusedEverywhere(string name, int error)
    {
        ulong folder = _guest.MakeFolder(FuseClient.Root, "d").Good().Node;
        ulong file = _guest.Create(FuseClient.Root, "f").Good().Node;

        Assert.Equal(error, _guest.Lookup(folder, name).Error);
        Assert.Equal(error, _guest.Create(folder, name).Error);
        Assert.Equal(error, _guest.MakeFolder(folder, name).Error);
        Assert.Equal(error, _guest.MakeSymbolicLink(folder, name, "x").Error);
        Assert.Equal(error, _guest.Link(file, folder, name).Error);
        Assert.Equal(error, _guest.Unlink(folder, name).Error);
        Assert.Equal(error, _guest.RemoveFolder(folder, name).Error);
        Assert.Equal(error, _guest.Rename(folder, name, FuseClient.Root, "x").Error);
        Assert.Equal(error, _guest.Rename(FuseClient.Root, "f", folder, name).Error);
        Assert.Equal(error, _guest.Ask(FuseOpcode.MakeNode, folder, new FuseBody().U32(0x81a4, 0, 0, 0).Text(name)).Error);
        Assert.Equal("secret", File.ReadAllText(_guest.Outside));
        Assert.True(File.Exists(_guest["f"]));
    }

    [Fact]
    public void Names_OfMoreThan255Bytes_AreTooLong() =>
        Assert.Equal(Errno.NameTooLong, _guest.Lookup(FuseClient.Root, new string('n', 256)).Error);

    [Fact]
    public void Name_WithoutAnEnd_IsNoRequest() =>
        Assert.Equal(Errno.Invalid, _guest.Ask(FuseOpcode.Lookup, FuseClient.Root, new FuseBody().Data("a"u8)).Error);

    [Theory]
    [InlineData("../outside")]
    [InlineData("/etc/passwd")]
    public void SymbolicLink_OutOfTheFolder_IsReadAndNotFollowed(string target)
    {
        File.CreateSymbolicLink(_guest["link"], target);
        FuseAnswer link = _guest.Lookup(FuseClient.Root, "link").Good();

        Assert.Equal(0xa000u, link.Mode(FuseAnswer.OfEntry) & 0xf000);
        Assert.Equal(target, System.Text.Encoding.UTF8.GetString(_guest.Ask(FuseOpcode.ReadLink, link.Node).Good().Data));
        Assert.NotEqual(0, _guest.Open(link.Node, FuseClient.ReadOnly).Error);
        Assert.NotEqual(0, _guest.Ask(FuseOpcode.OpenFolder, link.Node, new FuseBody().U32(0, 0)).Error);
        Assert.NotEqual(0, _guest.Change(link.Node, FuseChange.Size).Error);
        Assert.NotEqual(0, _guest.Change(link.Node, FuseChange.Mode, mode: 0x1ff).Error);
        Assert.Equal(Errno.NotDirectory, _guest.Lookup(link.Node, "passwd").Error);
        Assert.Equal(Errno.Exists, _guest.Create(FuseClient.Root, "link").Error);
        Assert.Equal("secret", File.ReadAllText(_guest.Outside));
    }

    [Fact]
    public void FolderThatBecomesASymbolicLink_IsStale()
    {
        Directory.CreateDirectory(_guest["d"]);
        File.WriteAllText(_guest["d/outside"], "inside");
        ulong folder = _guest.Find("d");
        ulong file = _guest.Lookup(folder, "outside").Good().Node;
        Directory.Delete(_guest["d"], recursive: true);
        File.CreateSymbolicLink(_guest["d"], "..");

        Assert.Equal(Errno.Stale, _guest.Lookup(folder, "outside").Error);
        Assert.Equal(Errno.Stale, _guest.Open(file, FuseClient.ReadOnly).Error);
        Assert.Equal(Errno.Stale, _guest.Create(folder, "new").Error);
        Assert.Equal(0xa000u, _guest.Lookup(FuseClient.Root, "d").Mode(FuseAnswer.OfEntry) & 0xf000);
    }

    [Fact]
    public void MakeSymbolicLink_KeepsItsTarget()
    {
        FuseAnswer link = _guest.MakeSymbolicLink(FuseClient.Root, "l", "../../etc/passwd").Good();
        Assert.Equal("../../etc/passwd", new FileInfo(_guest["l"]).LinkTarget);
        Assert.Equal(Errno.Exists, _guest.MakeSymbolicLink(FuseClient.Root, "l", "x").Error);
        Assert.Equal("../../etc/passwd"u8.ToArray(), _guest.Ask(FuseOpcode.ReadLink, link.Node).Data);
        Assert.Equal(Errno.Invalid, _guest.Ask(FuseOpcode.ReadLink, FuseClient.Root).Error);
    }

    [Fact]
    public void MakeFolder_AndRemove()
    {
        ulong d = _guest.MakeFolder(FuseClient.Root, "d", 0x1ff).Good().Node;
        _guest.MakeFolder(d, "e").Good();

        Assert.Equal((UnixFileMode)0x1ff, _guest.RightsOf("d")); // whatever our umask is
        Assert.True(Directory.Exists(_guest["d/e"]));
        Assert.Equal(39, _guest.RemoveFolder(FuseClient.Root, "d").Error); // ENOTEMPTY
        Assert.Equal(Errno.IsDirectory, _guest.Unlink(d, "e").Error);
        _guest.RemoveFolder(d, "e").Good();
        _guest.RemoveFolder(FuseClient.Root, "d").Good();
        Assert.False(Directory.Exists(_guest["d"]));
        Assert.Equal(Errno.Stale, _guest.Attributes(d).Error);
    }

    [Theory]
    [InlineData(0x1000u, 0)]
    [InlineData(0xc000u, 0)]
    [InlineData(0x8000u, 0)]
    [InlineData(0x2000u, Errno.NotPermitted)]
    [InlineData(0x6000u, Errno.NotPermitted)]
    [InlineData(0x4000u, Errno.NotPermitted)]
    public void MakeNode_MakesNoDevices(uint kind, int error)
    {
        FuseAnswer made = _guest.Ask(FuseOpcode.MakeNode, FuseClient.Root, new FuseBody().U32(kind | 0x1b6, 0x103, 0, 0).Text("n"));

        Assert.Equal(error, made.Error);
        Assert.Equal(error == 0, Path.Exists(_guest["n"]));
        if (error == 0)
        {
            Assert.Equal(kind | 0x1b6, made.Mode(FuseAnswer.OfEntry));
        }
    }

    [Fact]
    public void Pipe_IsNeverOpened()
    {
        ulong pipe = _guest.Ask(FuseOpcode.MakeNode, FuseClient.Root, new FuseBody().U32(0x11b6, 0, 0, 0).Text("p")).Good().Node;

        Assert.Equal(Errno.NoDevice, _guest.Open(pipe, FuseClient.ReadOnly).Error); // waited for a writer otherwise
        Assert.Equal(Errno.NoDevice, _guest.Open(pipe, FuseClient.WriteOnly).Error);
        Assert.Equal(Errno.Exists, _guest.Create(FuseClient.Root, "p", FuseClient.ReadOnly).Error);
        Assert.Equal(Errno.NoDevice, _guest.Change(pipe, FuseChange.Size).Error);
    }

    [Fact]
    public void Link_HasOneNode_WhicheverNameGoes()
    {
        ulong a = _guest.Create(FuseClient.Root, "a").Good().Node;
        ulong d = _guest.MakeFolder(FuseClient.Root, "d").Good().Node;
        FuseAnswer b = _guest.Link(a, d, "b").Good();

        Assert.Equal(a, b.Node);
        Assert.Equal(2u, b.Links(FuseAnswer.OfEntry));
        _guest.Unlink(FuseClient.Root, "a").Good();
        Assert.Equal(1u, _guest.Attributes(a).Good().Links(FuseAnswer.OfAttributes));
        _guest.Open(a, FuseClient.ReadOnly).Good();
        _guest.Link(a, FuseClient.Root, "c").Good();
        _guest.Unlink(d, "b").Good();
        Assert.Equal(1u, _guest.Attributes(a).Good().Links(FuseAnswer.OfAttributes));
        Assert.Equal(Errno.NotPermitted, _guest.Link(d, FuseClient.Root, "e").Error);
    }

    [Fact]
    public void Rename_MovesWhatTheGuestKnows_AndAllBelowIt()
    {
        ulong d = _guest.MakeFolder(FuseClient.Root, "d").Good().Node;
        ulong e = _guest.MakeFolder(d, "e").Good().Node;
        ulong f = _guest.Create(e, "f").Good().Node;
        _guest.Rename(FuseClient.Root, "d", FuseClient.Root, "d2").Good();
        _guest.Rename(d, "e", FuseClient.Root, "e2").Good();

        Assert.True(File.Exists(_guest["e2/f"]));
        _guest.Attributes(f).Good();
        Assert.Equal(f, _guest.Find("e2/f"));
        _guest.Create(d, "g").Good();
        Assert.True(File.Exists(_guest["d2/g"]));
    }

    [Fact]
    public void Rename_OverAFile_LeavesThatNodeWithoutAName()
    {
        ulong a = _guest.Create(FuseClient.Root, "a").Good().Node;
        FuseAnswer b = _guest.Create(FuseClient.Root, "b").Good();
        _guest.Write(FuseClient.HandleOf(b), 0, [1, 2, 3]).Good();
        _guest.Rename(FuseClient.Root, "a", FuseClient.Root, "b").Good();

        Assert.Equal(a, _guest.Find("b"));
        Assert.Equal(0ul, _guest.Attributes(a).Good().Size(FuseAnswer.OfAttributes));
        Assert.Equal(3ul, _guest.Attributes(b.Node).Good().Size(FuseAnswer.OfAttributes)); // it is still open
        _guest.Release(FuseClient.HandleOf(b)).Good();
        Assert.Equal(Errno.Stale, _guest.Attributes(b.Node).Error);
    }

    [Fact]
    public void Rename_ByFlags()
    {
        ulong a = _guest.Create(FuseClient.Root, "a").Good().Node;
        ulong b = _guest.MakeFolder(FuseClient.Root, "b").Good().Node;
        ulong inB = _guest.Create(b, "x").Good().Node;

        Assert.Equal(Errno.Exists, _guest.Rename(FuseClient.Root, "a", FuseClient.Root, "b", flags: 1).Error);
        _guest.Rename(FuseClient.Root, "a", FuseClient.Root, "b", flags: 2).Good();
        Assert.Equal((b, a), (_guest.Find("a"), _guest.Find("b")));
        _guest.Attributes(inB).Good();
        Assert.Equal(Errno.Invalid, _guest.Rename(FuseClient.Root, "a", FuseClient.Root, "c", flags: 4).Error); // a white-out is a device
        _guest.Rename(FuseClient.Root, "a", FuseClient.Root, "a", flags: 0).Good();
        _guest.Attributes(b).Good();
        Assert.Equal(Errno.Stale, _guest.Rename(FuseClient.Root, "a", 12345, "c").Error);
    }

    [Fact]
    public void FileRemovedWhileOpen_GoesOnToBeOne()
    {
        FuseAnswer made = _guest.Create(FuseClient.Root, "a").Good();
        ulong handle = FuseClient.HandleOf(made);
        _guest.Write(handle, 0, "hello"u8.ToArray()).Good();
        _guest.Unlink(FuseClient.Root, "a").Good();

        Assert.Equal("hello"u8.ToArray(), _guest.Read(handle, 0, 100).Good().Data);
        Assert.Equal(0u, _guest.Attributes(made.Node).Good().Links(FuseAnswer.OfAttributes));
        _guest.Change(made.Node, FuseChange.Mode, mode: 0x180).Good();
        ulong again = FuseClient.HandleOf(_guest.Create(FuseClient.Root, "a"));
        Assert.Empty(_guest.Read(again, 0, 100).Good().Data);
    }

    [Fact]
    public void RemovedFile_WhoseNumberTheHostGivesToAnother_IsNotThatOne()
    {
        // ext4 gives a number to the next file at once; elsewhere this passes by itself.
        for (int i = 0; i < 100; i++)
        {
            FuseAnswer old = _guest.Create(FuseClient.Root, "old").Good();
            _guest.Release(FuseClient.HandleOf(old)).Good();
            _guest.Unlink(FuseClient.Root, "old").Good();
            FuseAnswer other = _guest.Create(FuseClient.Root, "new").Good();
            _guest.Release(FuseClient.HandleOf(other)).Good();
            Assert.NotEqual(old.Node, other.Node);
            Assert.Equal(Errno.Stale, _guest.Attributes(old.Node).Error);
            _guest.Unlink(FuseClient.Root, "new").Good();
        }
    }

    [Fact]
    public void MovedByTheHost_IsFoundAgainByItsNewName()
    {
        _guest.MakeFolder(FuseClient.Root, "d").Good();
        ulong f = _guest.Create(_guest.Find("d"), "f").Good().Node;
        Directory.Move(_guest["d"], _guest["moved"]);

        Assert.Equal(f, _guest.Find("moved/f"));
        _guest.Attributes(f).Good();
    }
}
