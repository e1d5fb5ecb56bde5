using System.Text;
using Bulkhead.Host.Files;
using Bulkhead.Host.Files.Trees;
using Xunit;

namespace Bulkhead.Host.Tests;

public sealed class FileTreeTests : IDisposable
{
    private readonly string _above = Directory.CreateTempSubdirectory("tree").FullName;
    private readonly string _root;
    private readonly FileTree _tree;

    public FileTreeTests()
    {
        _root = Directory.CreateDirectory(Path.Combine(_above, "root")).FullName;
        Directory.CreateDirectory(Path.Combine(_root, "d/e"));
        File.WriteAllText(Path.Combine(_above, "outside"), "secret");
        File.WriteAllText(Path.Combine(_root, "d/file"), "hello");
        File.CreateSymbolicLink(Path.Combine(_root, "up"), "..");
        File.CreateSymbolicLink(Path.Combine(_root, "here"), "d");
        _tree = FileTree.Open(_root);
    }

    public void Dispose()
    {
        _tree.Dispose();
        Directory.Delete(_above, recursive: true);
    }

    [Fact]
    public void Open_OfNoFolder_IsAnError()
    {
        Assert.Contains("no such folder", Assert.Throws<OperatorException>(() => FileTree.Open(Path.Combine(_root, "none"))).Message, StringComparison.Ordinal);
        Assert.Contains("is no folder", Assert.Throws<OperatorException>(() => FileTree.Open(Path.Combine(_root, "d/file"))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", FileKind.Folder)]
    [InlineData("d", FileKind.Folder)]
    [InlineData("d/e", FileKind.Folder)]
    [InlineData("d/file", FileKind.Regular)]
    [InlineData("up", FileKind.SymbolicLink)]
    public void Reach_FindsWhatIsThere(string path, FileKind kind)
    {
        Assert.Equal(Errno.None, _tree.Reach(Encoding.UTF8.GetBytes(path), out TreePlace place));
        using (place)
        {
            Assert.Equal(Errno.None, place.Stat(out FileFacts facts));
            Assert.Equal(kind, facts.Kind);
            Assert.False(facts.IsMountRoot);
        }
    }

    [Theory]
    [InlineData("..", Errno.CrossDevice)]
    [InlineData("../outside", Errno.CrossDevice)]
    [InlineData("d/../../outside", Errno.CrossDevice)]
    [InlineData("up/outside", Errno.Loop)]
    [InlineData("here/file", Errno.Loop)]
    [InlineData("/etc", Errno.CrossDevice)]
    [InlineData("d/file/x", Errno.NotDirectory)]
    [InlineData("none", Errno.NoEntry)]
    public void Reach_LeadsNowhereElse(string path, int error)
    {
        Assert.Equal(error, _tree.Reach(Encoding.UTF8.GetBytes(path), out TreePlace place));
        place.Dispose();
    }

    [Fact]
    public void Reach_OfWhatIsMounted_IsRefused()
    {
        using var all = FileTree.Open("/");
        Assert.Equal(Errno.CrossDevice, all.Reach("proc/self/mem"u8, out _));
        Assert.Equal(Errno.CrossDevice, all.Reach("proc"u8, out _));
        Assert.Equal(Errno.None, all.Reach([], out TreePlace root));
        using (root)
        {
            Assert.Equal(Errno.None, root.StatChild("proc"u8, out FileFacts facts));
            Assert.True(facts.IsMountRoot);
        }
    }

    [Fact]
    public void PathsAndNames_HaveTheirBounds()
    {
        Assert.Equal(Errno.NameTooLong, _tree.Reach(new byte[FileTree.MostPathBytes + 1], out _));
        Assert.Equal(Errno.Invalid, _tree.Reach("d\0x"u8, out _));
        byte[] longest = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("d/", FileTree.MostPathBytes / 2)) + "d");
        Assert.Equal((FileTree.MostPathBytes, Errno.NoEntry), (longest.Length, _tree.Reach(longest, out _)));
        using TreePlace folder = Reach("d");
        Assert.Equal(Errno.NameTooLong, folder.MakeFolder(new byte[256], 0x1ff));
        byte[] name = Encoding.ASCII.GetBytes(new string('n', 255));
        Assert.Equal(Errno.None, folder.MakeFolder(name, 0x1c0));
        Assert.Equal(Errno.None, folder.Unlink(name, folder: true));
    }

    [Fact]
    public void PlaceThatWasReached_StaysTheSame_WhateverItsNameIsGivenTo()
    {
        using TreePlace folder = Reach("d");
        Directory.Move(Path.Combine(_root, "d"), Path.Combine(_root, "moved"));
        File.CreateSymbolicLink(Path.Combine(_root, "d"), "..");
        Assert.Equal(Errno.None, folder.ReachChild("file"u8, out TreePlace file));
        file.Dispose();
        Assert.Equal(Errno.NoEntry, folder.ReachChild("outside"u8, out _));
    }

    [Fact]
    public void Files_AreMadeReadWrittenAndChanged()
    {
        using TreePlace folder = Reach("d");
        Assert.Equal(Errno.None, folder.Create("new"u8, TreeFile.ReadWrite, 0x180, out TreeFile? file));
        using (file)
        {
            Assert.NotNull(file);
            Assert.Equal(Errno.Exists, folder.Create("new"u8, TreeFile.ReadWrite, 0x180, out _));
            Assert.Equal(Errno.None, file.Write(2, "data"u8, out int written));
            Assert.Equal(4, written);
            byte[] data = new byte[10];
            Assert.Equal(Errno.None, file.Read(0, data, out int read));
            Assert.Equal("\0\0data"u8.ToArray(), data[..read]);
            Assert.Equal((Errno.None, Errno.None), (file.Sync(dataOnly: true), file.Sync(dataOnly: false)));
            Assert.Equal(Errno.None, file.SetLength(3));
            Assert.Equal(Errno.None, file.Allocate(0, 0, 8192));
            Assert.Equal(Errno.None, file.ChangeMode(0x1b6));
            Assert.Equal(Errno.None, file.Stat(out FileFacts facts));
            Assert.Equal((8192ul, 0x81b6u, 1u), (facts.SizeBytes, facts.Mode, facts.Links));
            Assert.Equal(Errno.None, file.Find(hole: true, 0, out long hole));
            Assert.InRange(hole, 0, 8192);
            using TreePlace otherPlace = Reach("d/file");
            Assert.Equal(Errno.None, otherPlace.Open(TreeFile.WriteOnly, out TreeFile? other));
            using (other)
            {
                Assert.NotNull(other);
                Assert.Equal(Errno.None, file.CopyRange(0, other, 5, 3, out int copied));
                Assert.Equal(3, copied);
            }

            Assert.Equal("hello\0\0d", File.ReadAllText(Path.Combine(_root, "d/file")));
        }
    }

    [Fact]
    public void Times_RightsAndNames_AreChanged()
    {
        using TreePlace folder = Reach("d");
        using TreePlace file = Reach("d/file");
        Assert.Equal(Errno.None, file.SetTimes(FileMoment.Unchanged, new FileMoment(1000, 7)));
        Assert.Equal(Errno.None, file.ChangeMode(0x100));
        Assert.Equal(Errno.None, file.Link(folder, "second"u8));
        Assert.Equal(Errno.None, file.Stat(out FileFacts facts));
        Assert.Equal((new FileMoment(1000, 7), 0x8100u, 2u), (facts.WriteTime, facts.Mode, facts.Links));
        Assert.Equal((UserIds.User, UserIds.Group), (facts.User, facts.Group));
        Assert.Equal(Errno.None, file.SetTimes(FileMoment.Now, FileMoment.Unchanged));
        Assert.Equal(Errno.None, file.CheckAccess(4));
        Assert.Equal(Errno.None, folder.Rename("second"u8, folder, "third"u8, 0));
        Assert.Equal(Errno.None, folder.MakeSymbolicLink("link"u8, "../../x"u8));
        using TreePlace link = Reach("d/link");
        byte[] target = new byte[100];
        Assert.Equal(Errno.None, link.ReadLink(target, out int count));
        Assert.Equal("../../x"u8.ToArray(), target[..count]);
        Assert.Equal(Errno.NoDevice, link.Open(0, out _));
        Assert.Equal(Errno.None, folder.MakeNode("pipe"u8, FileKind.Pipe, 0x180));
        Assert.Equal(Errno.NotPermitted, folder.MakeNode("device"u8, FileKind.CharacterDevice, 0x180));
        using TreePlace pipe = Reach("d/pipe");
        Assert.Equal(Errno.NoDevice, pipe.Open(0, out _));
        Assert.Equal(Errno.None, folder.StatChild("third"u8, out facts));
        Assert.Equal(Errno.None, folder.Unlink("third"u8, folder: false));
        Assert.Equal(Errno.NoEntry, folder.StatChild("third"u8, out _));
    }

    [Fact]
    public void ExtendedAttributes()
    {
        using TreePlace file = Reach("d/file");
        int set = file.SetExtended("user.a"u8, "blue"u8, 0);
        Assert.SkipWhen(set == Errno.NotSupported, "the host's file system has no extended attributes");
        Assert.Equal(Errno.None, set);
        byte[] value = new byte[100];
        Assert.Equal(Errno.None, file.GetExtended("user.a"u8, value, out int count));
        Assert.Equal("blue"u8.ToArray(), value[..count]);
        Assert.Equal(Errno.None, file.ListExtended(value, out count));
        Assert.Contains("user.a\0", Encoding.ASCII.GetString(value, 0, count), StringComparison.Ordinal);
        Assert.Equal(Errno.None, file.RemoveExtended("user.a"u8));
        Assert.Equal(Errno.NoData, file.GetExtended("user.a"u8, value, out _));
    }

    [Fact]
    public void Folder_IsListed_AndHasRoom()
    {
        using TreePlace place = Reach("d");
        Assert.Equal(Errno.None, place.OpenFolder(out TreeFile? folder));
        using (folder)
        {
            Assert.NotNull(folder);
            byte[] entries = new byte[4096];
            Assert.Equal(Errno.None, folder.ReadFolder(0, entries, out int count));
            Assert.Contains("file\0", Encoding.ASCII.GetString(entries, 0, count), StringComparison.Ordinal);
            Assert.Equal(Errno.None, folder.StatChild("file"u8, out FileFacts facts));
            Assert.Equal(5ul, facts.SizeBytes);
        }

        Assert.Equal(Errno.None, _tree.StatVolume(out VolumeFacts room));
        Assert.Equal((ulong)new DriveInfo(_root).TotalSize, room.Blocks * room.UnitBytes);
        Assert.InRange(DescriptorLimit.Most, 16, long.MaxValue);
    }

    [Fact]
    public void Places_GiveTheirDescriptorsBack()
    {
        int before = Directory.GetFiles("/proc/self/fd").Length;
        for (int i = 0; i < 500; i++)
        {
            Reach("d/file").Dispose();
        }

        Assert.InRange(Directory.GetFiles("/proc/self/fd").Length, 0, before + 200); // other tests have some meanwhile
    }

    private TreePlace Reach(string path)
    {
        Assert.Equal(Errno.None, _tree.Reach(Encoding.UTF8.GetBytes(path), out TreePlace place));
        return place;
    }
}
