using System.Text;
using Bulkhead.Abi.Fuse;
using Bulkhead.Host.Files;
using Xunit;

namespace Bulkhead.Devices.Tests.Files;

/// <summary>What is in folders.</summary>
public sealed class FuseFoldersTests : IDisposable
{
    private const int Names = 500;
    private readonly FuseClient _guest = new();

    public FuseFoldersTests()
    {
        for (int i = 0; i < Names; i++)
        {
            File.WriteAllText(_guest[NameOf(i)], string.Empty);
        }
    }

    public void Dispose() => _guest.Dispose();

    [Theory]
    [InlineData(false, 4096)]
    [InlineData(false, 400)]
    [InlineData(true, 4096)]
    [InlineData(true, 600)]
    [InlineData(true, 1 << 20)]
    public void Listing_HasEveryNameOnce(bool plus, int size)
    {
        List<Entry> entries = List(plus, (uint)size);

        Assert.Equal(Names + 2, entries.Count);
        Assert.Equal(Enumerable.Range(0, Names).Select(NameOf).Append(".").Append("..").Order(), entries.Select(static e => e.Name).Order());
        Assert.All(entries, e => Assert.Equal(plus && e.Name[0] != '.', e.Node != 0));
        Assert.Equal(plus ? Names + 1 : 1, _guest.Server.KnownCount);
    }

    [Fact]
    public void Listing_TellsTheNodesThatLookupTells_AndCountsThem()
    {
        Entry entry = List(plus: true, 4096).First(static e => e.Name == NameOf(7));
        Assert.Equal(entry.Node, _guest.Find(NameOf(7)));
        _guest.Forget(entry.Node, 1);
        _guest.Attributes(entry.Node).Good();
        _guest.Forget(entry.Node, 1);
        Assert.Equal(116, _guest.Attributes(entry.Node).Error); // ESTALE
    }

    [Fact]
    public void Listing_FromAnyPlace_IsAListOrAnError()
    {
        ulong handle = Open();
        var random = new Random(4);
        for (int i = 0; i < 200; i++)
        {
            FuseAnswer answer = Read(handle, (ulong)random.NextInt64(long.MinValue, long.MaxValue), (uint)random.Next(), plus: (i & 1) != 0);
            Assert.True(answer.Error is 0 or 22, $"{answer.Error}");
        }
    }

    [Fact]
    public void MountsBelow_AreNotOfTheFolder()
    {
        if (!Directory.Exists("/proc/self"))
        {
            return;
        }

        using var root = new Devices.Backends.Files.SharedFolder("/", "root", readOnly: true, guestBytes: 1 << 24, DescriptorBudget.OfProcess());
        var server = new Devices.Backends.Files.FuseServer(root);
        _guest.Begin(server);
        Assert.Equal(18, _guest.Ask(server, FuseOpcode.Lookup, FuseClient.Root, new FuseBody().Text("proc")).Error); // EXDEV
        ulong handle = _guest.Ask(server, FuseOpcode.OpenFolder, FuseClient.Root, new FuseBody().U32(0, 0)).Good().U64(0);
        var list = new List<Entry>();
        Parse(_guest.Ask(server, FuseOpcode.ReadFolderPlus, FuseClient.Root, Body(handle, 0, 1 << 16)).Good().Data, plus: true, list);
        Assert.Equal(0ul, list.First(static e => e.Name == "proc").Node);
        server.Reset();
    }

    private static string NameOf(int i) => $"file{new string('x', i % 200)}{i}";

    private static FuseBody Body(ulong handle, ulong from, uint size) => new FuseBody().U64(handle, from).U32(size, 0).U64(0).U32(0, 0);

    private ulong Open() => _guest.Ask(FuseOpcode.OpenFolder, FuseClient.Root, new FuseBody().U32(0, 0)).Good().U64(0);

    private FuseAnswer Read(ulong handle, ulong from, uint size, bool plus) =>
        _guest.Ask(plus ? FuseOpcode.ReadFolderPlus : FuseOpcode.ReadFolder, FuseClient.Root, Body(handle, from, size));

    private List<Entry> List(bool plus, uint size)
    {
        var all = new List<Entry>();
        ulong handle = Open();
        for (ulong from = 0; ;)
        {
            FuseAnswer answer = Read(handle, from, size, plus).Good();
            Assert.True(answer.Data.Length <= size);
            if (answer.Data.Length == 0)
            {
                return all;
            }

            from = Parse(answer.Data, plus, all);
        }
    }

    private static ulong Parse(byte[] data, bool plus, List<Entry> into)
    {
        ulong next = 0;
        int entry = plus ? 128 : 0;
        for (int at = 0; at < data.Length;)
        {
            ulong node = plus ? BitConverter.ToUInt64(data, at) : 0;
            int length = BitConverter.ToInt32(data, at + entry + 16);
            next = BitConverter.ToUInt64(data, at + entry + 8);
            into.Add(new Entry(Encoding.UTF8.GetString(data, at + entry + 24, length), node));
            at += entry + 24 + ((length + 7) & ~7);
        }

        return next;
    }

    private sealed record Entry(string Name, ulong Node);
}
