using Bulkhead.Abi.Fuse;
using Bulkhead.Host.Files;
using Xunit;

namespace Bulkhead.Devices.Tests.Files;

/// <summary>Extended attributes.</summary>
public sealed class FuseExtendedTests : IDisposable
{
    private readonly FuseClient _guest = new();
    private readonly ulong _file;

    public FuseExtendedTests() => _file = _guest.Create(FuseClient.Root, "a").Good().Node;

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void OfUsers_AreSetReadListedAndRemoved()
    {
        int set = Set(_file, "user.color", "blue"u8.ToArray()).Error;
        if (set == Errno.NotSupported)
        {
            Assert.Skip("the host's file system has no extended attributes");
        }

        Assert.Equal(0, set);
        Assert.Equal("blue"u8.ToArray(), Get(_file, "user.color", 100).Good().Data);
        Assert.Equal(4u, Get(_file, "user.color", 0).Good().U32(0));
        Assert.Equal(Errno.OutOfRange, Get(_file, "user.color", 3).Error);
        Assert.Equal(Errno.NoData, Get(_file, "user.none", 100).Error);
        Set(_file, "user.size", [1]).Good();
        Assert.Equal("user.color\0user.size\0".Length, List(_file, 100).Good().Data.Length);
        Assert.Equal((uint)"user.color\0user.size\0".Length, List(_file, 0).Good().U32(0));
        Assert.Equal(Errno.OutOfRange, List(_file, 5).Error);
        _guest.Ask(FuseOpcode.RemoveExtended, _file, new FuseBody().Text("user.color")).Good();
        Assert.Equal("user.size\0"u8.ToArray(), List(_file, 100).Good().Data);
        Assert.Equal(Errno.Exists, Set(_file, "user.size", [1], flags: 1).Error);
    }

    [Theory]
    [InlineData("security.capability")]
    [InlineData("trusted.overlay.opaque")]
    [InlineData("system.posix_acl_access")]
    [InlineData("")]
    public void OfTheHost_AreNotTheGuests(string name)
    {
        Assert.Equal(Errno.NotSupported, Set(_file, name, [1, 0, 0, 2, 0, 0, 0, 0]).Error);
        Assert.Equal(Errno.NotSupported, Get(_file, name, 100).Error);
        Assert.Equal(Errno.NotSupported, _guest.Ask(FuseOpcode.RemoveExtended, _file, new FuseBody().Text(name)).Error);
    }

    [Fact]
    public void OfLinks_ThereAreNone()
    {
        ulong link = _guest.MakeSymbolicLink(FuseClient.Root, "l", "a").Good().Node;
        Assert.Equal(Errno.NotPermitted, Set(link, "user.color", [1]).Error);
        Assert.Equal(Errno.NoData, Get(link, "user.color", 10).Error);
    }

    [Fact]
    public void Sizes_ThatAreNot_AreRefused()
    {
        Assert.Equal(Errno.Invalid, _guest.Ask(FuseOpcode.SetExtended, _file, new FuseBody().U32(100, 0).Text("user.x").Data([1, 2])).Error);
        Assert.Equal(Errno.Invalid, Set(_file, "user.x", new byte[(64 << 10) + 1]).Error);
        Assert.Equal(Errno.Invalid, _guest.Ask(FuseOpcode.SetExtended, _file, new FuseBody().U32(uint.MaxValue, 0).Text("user.x")).Error);
    }

    private FuseAnswer Set(ulong node, string name, byte[] value, uint flags = 0) =>
        _guest.Ask(FuseOpcode.SetExtended, node, new FuseBody().U32((uint)value.Length, flags).Text(name).Data(value));

    private FuseAnswer Get(ulong node, string name, uint size) => _guest.Ask(FuseOpcode.GetExtended, node, new FuseBody().U32(size, 0).Text(name));

    private FuseAnswer List(ulong node, uint size) => _guest.Ask(FuseOpcode.ListExtended, node, new FuseBody().U32(size, 0));
}
