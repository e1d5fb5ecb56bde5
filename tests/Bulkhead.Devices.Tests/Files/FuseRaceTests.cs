using System.Text;
using Bulkhead.Abi.Fuse;
using Xunit;

namespace Bulkhead.Devices.Tests.Files;

/// <summary>Somebody of the host, or another guest, makes links of folders while the guest walks through them: it never sees what is outside.</summary>
public sealed class FuseRaceTests : IDisposable
{
    private const int Turns = 4000;
    private const int MostTurns = 1_000_000; // until the other thread has had a turn, on a busy host
    private readonly FuseClient _guest = new();

    public void Dispose() => _guest.Dispose();

    [Theory]
    [InlineData("..")]
    [InlineData("/etc")]
    public void FolderAndLinkInTurn_LeadNowhereElse(string target)
    {
        // Inside and outside there are the same names with other contents.
        Directory.CreateDirectory(_guest["real"]);
        File.WriteAllText(_guest["real/outside"], "inside");
        File.WriteAllText(_guest["real/passwd"], "inside");
        File.CreateSymbolicLink(_guest["fake"], target);
        Directory.CreateDirectory(_guest["d"]);
        string name = target == ".." ? "outside" : "passwd";
        int seen = 0;
        using var stop = new CancellationTokenSource();
        var swapper = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                Exchange("d", "real");
                Exchange("d", "fake");
            }
        });
        swapper.Start();
        try
        {
            for (int i = 0; i < Turns || (seen == 0 && i < MostTurns); i++)
            {
                seen += Walk(name) ? 1 : 0;
            }
        }
        finally
        {
            stop.Cancel();
            swapper.Join();
        }

        Assert.True(seen > 0, "the folder was never there");
        Assert.Equal("secret", File.ReadAllText(_guest.Outside));
        Assert.False(File.Exists(Path.Combine(Path.GetDirectoryName(_guest.Folder)!, "made"))); // it has one above it
        Assert.Equal(0, _guest.Server.OpenCount);
    }

    private bool Walk(string name)
    {
        FuseAnswer folder = _guest.Lookup(FuseClient.Root, "d");
        if (folder.Error != 0)
        {
            return false;
        }

        bool found = false;
        FuseAnswer file = _guest.Lookup(folder.Node, name);
        if (file.Error == 0)
        {
            FuseAnswer open = _guest.Open(file.Node, FuseClient.ReadWrite);
            if (open.Error == 0)
            {
                Assert.Equal("inside", Encoding.UTF8.GetString(_guest.Read(open.U64(0), 0, 100).Good().Data));
                _guest.Write(open.U64(0), 0, "inside"u8.ToArray()).Good();
                _guest.Release(open.U64(0)).Good();
                found = true;
            }

            _guest.Change(file.Node, FuseChange.WriteTime, write: 1);
            _guest.Forget(file.Node);
        }

        FuseAnswer made = _guest.Create(folder.Node, "made");
        if (made.Error == 0)
        {
            _guest.Release(FuseClient.HandleOf(made)).Good();
            _guest.Unlink(folder.Node, "made");
            _guest.Forget(made.Node);
        }

        FuseAnswer list = _guest.Ask(FuseOpcode.OpenFolder, folder.Node, new FuseBody().U32(0, 0));
        if (list.Error == 0)
        {
            string names = Encoding.UTF8.GetString(_guest.Ask(
                FuseOpcode.ReadFolder, folder.Node, new FuseBody().U64(list.U64(0), 0).U32(1 << 16, 0).U64(0).U32(0, 0)).Good().Data);
            Assert.DoesNotContain("shadow", names, StringComparison.Ordinal);
            _guest.Release(list.U64(0), FuseOpcode.ReleaseFolder).Good();
        }

        _guest.Forget(folder.Node);
        return found;
    }

    // By the server's own words, from another thread: it is the host's call that swaps, at any moment.
    private void Exchange(string a, string b)
    {
        string between = _guest[$"t{Environment.CurrentManagedThreadId}"];
        Host.Files.HostFile.Rename(_guest[a], between);
        Host.Files.HostFile.Rename(_guest[b], _guest[a]);
        Host.Files.HostFile.Rename(between, _guest[b]);
    }
}
