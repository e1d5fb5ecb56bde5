using Bulkhead.Abi.Fuse;
using Bulkhead.Host.Files;
using Xunit;

namespace Bulkhead.Devices.Tests.Files;

/// <summary>A folder that may only be read.</summary>
public sealed class FuseReadOnlyTests : IDisposable
{
    private readonly FuseClient _guest = new(readOnly: true);

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void WhatWrites_IsRefused_AndNothingChanges()
    {
        File.WriteAllText(_guest["a"], "hello");
        _guest.SetRights("a", (UnixFileMode)0x1ff);
        File.SetLastWriteTimeUtc(_guest["a"], DateTime.UnixEpoch);
        Directory.CreateDirectory(_guest["d"]);
        (ulong a, ulong d) = (_guest.Find("a"), _guest.Find("d"));
        ulong handle = _guest.Open(a, FuseClient.ReadOnly).Good().U64(0);
        FuseAnswer[] answers =
        [
            _guest.Open(a, FuseClient.WriteOnly),
            _guest.Open(a, FuseClient.ReadWrite),
            _guest.Open(a, FuseClient.ReadOnly | FuseClient.Truncate),
            _guest.Create(d, "n", FuseClient.ReadOnly),
            _guest.Create(FuseClient.Root, "a", FuseClient.ReadOnly),
            _guest.MakeFolder(d, "n"),
            _guest.MakeSymbolicLink(d, "n", "x"),
            _guest.Ask(FuseOpcode.MakeNode, d, new FuseBody().U32(0x81a4, 0, 0, 0).Text("n")),
            _guest.Link(a, d, "n"),
            _guest.Unlink(FuseClient.Root, "a"),
            _guest.RemoveFolder(FuseClient.Root, "d"),
            _guest.Rename(FuseClient.Root, "a", d, "n"),
            _guest.Rename(FuseClient.Root, "a", d, "n", flags: 0),
            _guest.Change(a, FuseChange.Mode, mode: 0x100),
            _guest.Change(a, FuseChange.Size, size: 1),
            _guest.Change(a, FuseChange.WriteTime, write: 5),
            _guest.Change(a, FuseChange.User, user: 0),
            _guest.Ask(FuseOpcode.SetExtended, a, new FuseBody().U32(1, 0).Text("user.x").Data([1])),
            _guest.Ask(FuseOpcode.RemoveExtended, a, new FuseBody().Text("user.x")),
            _guest.Ask(FuseOpcode.Allocate, a, new FuseBody().U64(handle, 0, 100).U32(0, 0)),
            _guest.Ask(FuseOpcode.Access, a, new FuseBody().U32(2, 0)),
        ];

        Assert.All(answers, static r => Assert.Equal(Errno.ReadOnlyFileSystem, r.Error));
        Assert.Equal(Errno.BadDescriptor, _guest.Write(handle, 0, [1]).Error);
        Assert.Equal("hello"u8.ToArray(), _guest.Read(handle, 0, 10).Good().Data);
        Assert.Equal(["a", "d"], Directory.GetFileSystemEntries(_guest.Folder, "*", SearchOption.AllDirectories).Select(Path.GetFileName).Order());
        Assert.Equal((DateTime.UnixEpoch, "hello"), (File.GetLastWriteTimeUtc(_guest["a"]), File.ReadAllText(_guest["a"])));
        Assert.Equal((UnixFileMode)0x1ff, _guest.RightsOf("a"));
        _guest.Ask(FuseOpcode.SyncAll, FuseClient.Root, new FuseBody().U64(0)).Good();
    }

    [Fact]
    public void SetIdBits_StayWhateverTheDriverAsksFor()
    {
        const UnixFileMode setId = (UnixFileMode)0x9ed;
        File.WriteAllText(_guest["a"], "hello");
        _guest.SetRights("a", setId);
        ulong a = _guest.Find("a");

        ulong handle = _guest.Ask(FuseOpcode.Open, a, new FuseBody().U32(FuseClient.ReadOnly, 1)).Good().U64(0);
        Assert.Equal(Errno.BadDescriptor, _guest.Write(handle, 0, [1], flags: 4).Error);
        Assert.Equal(Errno.ReadOnlyFileSystem, _guest.Change(a, FuseChange.DropSetIds).Error);
        Assert.Equal(setId, _guest.RightsOf("a"));
    }
}
