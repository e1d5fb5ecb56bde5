using Bulkhead.Abi.Fuse;
using Bulkhead.Core.Tests;
using Bulkhead.Devices.Backends.Files;
using Bulkhead.Host.Files;
using Xunit;

namespace Bulkhead.Devices.Tests.Files;

/// <summary>What is in files.</summary>
public sealed class FuseFilesTests : IDisposable
{
    private readonly FuseClient _guest = new();

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void Create_Write_Read()
    {
        FuseAnswer made = _guest.Create(FuseClient.Root, "a", mode: 0x1b6).Good();
        ulong handle = FuseClient.HandleOf(made);

        Assert.Equal(5u, _guest.Write(handle, 3, "hello"u8.ToArray()).Good().U32(0));
        Assert.Equal("\0\0\0hello", File.ReadAllText(_guest["a"]));
        Assert.Equal((UnixFileMode)0x1b6, _guest.RightsOf("a")); // whatever our umask is
        Assert.Equal("lo"u8.ToArray(), _guest.Read(handle, 6, 100).Good().Data);
        Assert.Empty(_guest.Read(handle, 8, 100).Good().Data);
        _guest.Ask(FuseOpcode.Flush, made.Node, new FuseBody().U64(handle, 0, 0)).Good();
        _guest.Ask(FuseOpcode.Sync, made.Node, new FuseBody().U64(handle).U32(0, 0)).Good();
        _guest.Ask(FuseOpcode.Sync, made.Node, new FuseBody().U64(handle).U32(1, 0)).Good();
        _guest.Release(handle).Good();
        Assert.Equal(Errno.BadDescriptor, _guest.Read(handle, 0, 1).Error);
        Assert.Equal(Errno.BadDescriptor, _guest.Release(handle).Error);
    }

    [Fact]
    public void Transfers_OfTheLargestSize()
    {
        byte[] data = new byte[FuseServer.MostDataBytes];
        new Random(3).NextBytes(data);
        ulong handle = FuseClient.HandleOf(_guest.Create(FuseClient.Root, "a"));

        Assert.Equal((uint)data.Length, _guest.Write(handle, 1, data).Good().U32(0));
        Assert.Equal(data, _guest.Read(handle, 1, (uint)data.Length).Good().Data);
        Assert.Equal(Errno.Invalid, _guest.Read(handle, 0, (uint)data.Length + 1).Error);
    }

    [Fact]
    public void Open_HasTheAccessItAskedFor()
    {
        File.WriteAllText(_guest["a"], "hello");
        ulong a = _guest.Find("a");
        ulong reads = _guest.Open(a, FuseClient.ReadOnly).Good().U64(0);
        ulong writes = _guest.Open(a, FuseClient.WriteOnly).Good().U64(0);

        Assert.Equal(Errno.BadDescriptor, _guest.Write(reads, 0, [1]).Error);
        Assert.Equal(Errno.BadDescriptor, _guest.Read(writes, 0, 1).Error);
        Assert.Equal(Errno.Invalid, _guest.Open(a, 3).Error);
        Assert.Equal(Errno.IsDirectory, _guest.Open(FuseClient.Root, FuseClient.ReadOnly).Error);
        _guest.Open(a, FuseClient.ReadWrite | FuseClient.Truncate).Good();
        Assert.Equal(0, new FileInfo(_guest["a"]).Length);
    }

    [Fact]
    public void Create_OfWhatTheHostMadeMeanwhile_OpensIt()
    {
        File.WriteAllText(_guest["a"], "hello");

        Assert.Equal(Errno.Exists, _guest.Create(FuseClient.Root, "a", FuseClient.ReadWrite | FuseClient.Exclusive).Error);
        FuseAnswer there = _guest.Create(FuseClient.Root, "a").Good();
        Assert.Equal("hello"u8.ToArray(), _guest.Read(FuseClient.HandleOf(there), 0, 10).Good().Data);
        Assert.Equal(there.Node, _guest.Find("a"));
    }

    [Fact]
    public void Append_IsWhereTheGuestSays()
    {
        const uint append = 0x400;
        File.WriteAllText(_guest["a"], "hello");
        ulong handle = _guest.Open(_guest.Find("a"), FuseClient.WriteOnly | append).Good().U64(0);
        _guest.Write(handle, 1, "i"u8.ToArray()).Good();
        Assert.Equal("hillo", File.ReadAllText(_guest["a"]));
    }

    [Fact]
    public void Allocate_Seek_Copy()
    {
        ulong a = FuseClient.HandleOf(_guest.Create(FuseClient.Root, "a"));
        ulong b = FuseClient.HandleOf(_guest.Create(FuseClient.Root, "b"));
        _guest.Ask(FuseOpcode.Allocate, FuseClient.Root, new FuseBody().U64(a, 0, 1 << 20).U32(0, 0)).Good();
        Assert.Equal(1 << 20, new FileInfo(_guest["a"]).Length);
        _guest.Ask(FuseOpcode.Allocate, FuseClient.Root, new FuseBody().U64(a, 0, 1 << 20).U32(3, 0)).Good(); // a hole again
        _guest.Write(a, 512 << 10, "data"u8.ToArray()).Good();

        Assert.Equal(512ul << 10, Seek(a, 0, 3).Good().U64(0));
        Assert.Equal(0ul, Seek(a, 0, 4).Good().U64(0));
        Assert.Equal(6, Seek(a, 1 << 20, 3).Error); // ENXIO
        Assert.Equal(Errno.Invalid, Seek(a, 0, 0).Error);
        FuseAnswer copied = _guest.Ask(FuseOpcode.CopyRange, FuseClient.Root, new FuseBody().U64(a, 512 << 10, FuseClient.Root, b, 2, 4, 0)).Good();
        Assert.Equal(4u, copied.U32(0));
        Assert.Equal("\0\0data", File.ReadAllText(_guest["b"]));
    }

    [Fact]
    public void Handles_AreBounded_AndComeBack()
    {
        File.WriteAllText(_guest["a"], string.Empty);
        ulong a = _guest.Find("a");
        for (int i = 0; i < _guest.Shared.MostOpen; i++)
        {
            _guest.Open(a, FuseClient.ReadOnly).Good();
        }

        Assert.Equal(Errno.TooManyOpen, _guest.Open(a, FuseClient.ReadOnly).Error);
        Assert.Equal(Errno.TooManyOpen, _guest.Ask(FuseOpcode.OpenFolder, FuseClient.Root, new FuseBody().U32(0, 0)).Error);
        Assert.Equal(Errno.TooManyOpen, _guest.Create(FuseClient.Root, "b").Error);
        Assert.False(File.Exists(_guest["b"]));
        _guest.Release(1).Good();
        _guest.Open(a, FuseClient.ReadOnly).Good();
        _guest.Ask(FuseOpcode.Destroy, 0);
        Assert.Equal(0, _guest.Server.OpenCount);
    }

    [Fact]
    public void Handles_OfAllGuests_AreBounded_AndComeBack()
    {
        var descriptors = new DescriptorBudget(3);
        using var one = new FuseClient(descriptors: descriptors);
        using var two = new FuseClient(descriptors: descriptors);
        one.Create(FuseClient.Root, "a").Good();
        ulong handle = one.Open(one.Find("a"), FuseClient.ReadOnly).Good().U64(0);
        two.Create(FuseClient.Root, "b").Good();

        Assert.Equal(Errno.TooManyOpen, one.Open(one.Find("a"), FuseClient.ReadOnly).Error);
        Assert.Equal(Errno.TooManyOpen, two.Create(FuseClient.Root, "c").Error);
        one.Release(handle).Good();
        two.Create(FuseClient.Root, "c").Good();
        Assert.True(descriptors.IsSpent);
        two.Server.Reset();
        one.Open(one.Find("a"), FuseClient.ReadOnly).Good();
        one.Ask(FuseOpcode.OpenFolder, FuseClient.Root, new FuseBody().U32(0, 0)).Good();
        Assert.True(descriptors.IsSpent);
    }

    [Fact]
    public void HandlesOfFilesAndFolders_AreNotTakenForEachOther()
    {
        ulong file = FuseClient.HandleOf(_guest.Create(FuseClient.Root, "a"));
        ulong folder = _guest.Ask(FuseOpcode.OpenFolder, FuseClient.Root, new FuseBody().U32(0, 0)).Good().U64(0);

        Assert.Equal(Errno.BadDescriptor, _guest.Read(folder, 0, 1).Error);
        Assert.Equal(Errno.BadDescriptor, _guest.Release(folder).Error);
        Assert.Equal(Errno.BadDescriptor, _guest.Release(file, FuseOpcode.ReleaseFolder).Error);
        Assert.Equal(Errno.BadDescriptor, _guest.Ask(FuseOpcode.ReadFolder, FuseClient.Root, new FuseBody().U64(file, 0).U32(4096, 0).U64(0).U32(0, 0)).Error);
        _guest.Ask(FuseOpcode.SyncFolder, FuseClient.Root, new FuseBody().U64(folder).U32(0, 0)).Good();
        _guest.Release(folder, FuseOpcode.ReleaseFolder).Good();
    }

    [Fact]
    public void ReadsWritesAndLooks_TakeNoManagedMemory()
    {
        FuseAnswer made = _guest.Create(_guest.MakeFolder(FuseClient.Root, "d").Node, "a");
        byte[] write = FuseClient.Request(FuseOpcode.Write, made.Node, new FuseBody().U64(FuseClient.HandleOf(made), 0).U32(4096, 0).U64(0).U32(0, 0).Data(new byte[4096]));
        byte[] read = FuseClient.Request(FuseOpcode.Read, made.Node, new FuseBody().U64(FuseClient.HandleOf(made), 0).U32(4096, 0).U64(0).U32(0, 0));
        byte[] look = FuseClient.Request(FuseOpcode.GetAttributes, made.Node, new FuseBody().U32(0, 0).U64(0));
        byte[] find = FuseClient.Request(FuseOpcode.Lookup, _guest.Find("d"), new FuseBody().Text("a"));
        byte[] answer = new byte[8192];
        int sum = 0;
        int rounds = 0;

        Assert.Equal(0, Allocations.LeastBytes(Round));
        Assert.Equal(rounds * 200 * (24 + 4112 + 120 + 144), sum);

        void Round()
        {
            rounds++;
            for (int i = 0; i < 200; i++)
            {
                sum += _guest.Server.Serve(write, answer) + _guest.Server.Serve(read, answer) + _guest.Server.Serve(look, answer) + _guest.Server.Serve(find, answer);
            }
        }
    }

    private FuseAnswer Seek(ulong handle, ulong offset, uint what) => _guest.Ask(FuseOpcode.Seek, FuseClient.Root, new FuseBody().U64(handle, offset).U32(what, 0));
}
