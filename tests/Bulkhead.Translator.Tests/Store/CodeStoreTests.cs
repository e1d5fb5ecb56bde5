using System.IO.Hashing;
using System.Runtime.Versioning;
using System.Text;
using Bulkhead.Translator.Store;
using Xunit;

namespace Bulkhead.Translator.Tests.Store;

[SupportedOSPlatform("linux")]
public sealed class CodeStoreTests : IDisposable
{
    private const string Identity = "this build";
    private const ulong Thunks = 0x700;

    private readonly string _directory = Directory.CreateTempSubdirectory().FullName;
    private readonly byte[] _read = new byte[1000];

    private string FilePath => Path.Combine(_directory, "a.code");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Read_AfterASourceLeft_HasItsPages()
    {
        using CodeStore store = Open();
        Keep(store, 3, 1, 2);

        Assert.Equal(FakeSource.BytesOf(1), Read(store, 1));
        Assert.Equal(FakeSource.BytesOf(3), Read(store, 3));
        Assert.Empty(Read(store, 4));
    }

    [Fact]
    public void TryJoin_WhileAnotherIsThere_KeepsWhatThatTranslated()
    {
        using CodeStore store = Open();
        var first = new FakeSource(1, 2);
        Assert.True(store.TryJoin(first, Thunks));
        Assert.Empty(Read(store, 1));

        Assert.True(store.TryJoin(new FakeSource(), Thunks));
        while (Read(store, 1).Length == 0)
        {
            // Who joins waits for the other's pages, but not for long.
            _ = TestContext.Current.CancellationToken.WaitHandle.WaitOne(1);
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
        }

        Assert.Equal(FakeSource.BytesOf(1), Read(store, 1));
        Assert.False(first.Released.IsSet);
    }

    // As where the cache had no room for all that was kept of a page.
    [Fact]
    public void Leave_LessOfAPageThanThereIs_KeepsWhatThereIs()
    {
        using CodeStore store = Open();
        Keep(store, new FakeSource(1, 2));
        Keep(store, new FakeSource(1, 3) { Instructions = 9 });

        Assert.Equal([10, 10, 9], InstructionsOf(1, 2, 3));
    }

    // Each file that was replaced ends with its last reader.
    [Fact]
    public void Leave_VeryOften_KeepsOneFileOpen()
    {
        using CodeStore store = Open();
        for (byte i = 0; i < 50; i++)
        {
            Keep(store, i);
        }

        int open = Directory.GetFiles("/proc/self/fd").Count(f => new FileInfo(f).LinkTarget?.StartsWith(FilePath, StringComparison.Ordinal) == true);
        Assert.Equal(1, open);
    }

    [Fact]
    public void Leave_NotUsedForManyFiles_IsNotKeptAnyMore()
    {
        using CodeStore store = Open();
        Keep(store, 1);
        for (byte i = 2; i < 6; i++)
        {
            Keep(store, i);
        }

        Assert.Equal(FakeSource.BytesOf(1), Read(store, 1));
        for (byte i = 6; i < 10; i++)
        {
            Keep(store, i);
        }

        Assert.Empty(Read(store, 1));
        Assert.Equal(FakeSource.BytesOf(9), Read(store, 9));
    }

    [Fact]
    public void Open_Again_HasPagesAndChance()
    {
        ulong chance;
        using (CodeStore store = Open())
        {
            chance = store.Chance;
            Keep(store, 1, 200);
        }

        using CodeStore again = Open();
        Assert.Equal(FakeSource.BytesOf(200), Read(again, 200));
        Assert.Equal(chance, again.Chance);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(FilePath));
    }

    [Fact]
    public void Open_OtherIdentity_IsEmptyAndOfAnotherChance()
    {
        ulong chance;
        using (CodeStore store = Open())
        {
            chance = store.Chance;
            Keep(store, 1);
        }

        using CodeStore other = Open("another build");
        Assert.Empty(Read(other, 1));
        Assert.NotEqual(chance, other.Chance);
    }

    [Fact]
    public void TryJoin_ThunksElsewhere_IsRefused()
    {
        using (CodeStore store = Open())
        {
            Keep(store, 1);
        }

        using CodeStore again = Open();
        Assert.False(again.TryJoin(new FakeSource(), Thunks + 1));
        Assert.True(again.TryJoin(new FakeSource(), Thunks));
    }

    [Fact]
    public void Leave_PagesOfTheFileBefore_StayInIt()
    {
        using (CodeStore store = Open())
        {
            Keep(store, 1, 2, 4);
            Keep(store, 3, 2, 5);
        }

        using CodeStore again = Open();
        Assert.All((byte[])[1, 2, 3, 4, 5], page => Assert.Equal(FakeSource.BytesOf(page), Read(again, page)));
    }

    [Fact]
    public void Leave_LittleIsNew_WritesNothing()
    {
        using CodeStore store = Open(keepsLittle: false);
        Keep(store, 1);

        Assert.Empty(Read(store, 1));
        Assert.False(File.Exists(FilePath));
    }

    // Each byte of the file in turn: what is read is right, or nothing.
    [Fact]
    public void Open_AnyByteBroken_ReadsWhatIsRightOrNothing()
    {
        using (CodeStore store = Open())
        {
            Keep(store, 1, 2);
        }

        byte[] whole = File.ReadAllBytes(FilePath);
        int read = 0;
        for (int at = 0; at < whole.Length; at += at is > 100 and < 4000 ? 61 : 1)
        {
            byte[] broken = [.. whole];
            broken[at] ^= 0x40;
            Replace(broken);
            using CodeStore store = Open();
            foreach (byte page in (byte[])[1, 2])
            {
                byte[] bytes = Read(store, page);
                Assert.True(bytes.Length == 0 || bytes.AsSpan().SequenceEqual(FakeSource.BytesOf(page)), $"byte {at}");
                read += bytes.Length == 0 ? 0 : 1;
            }
        }

        Assert.NotEqual(0, read); // where the other page's bytes were broken
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(4000)]
    [InlineData(-1)]
    public void Open_PartOfAFile_IsEmpty(int length)
    {
        using (CodeStore store = Open())
        {
            Keep(store, 1);
        }

        byte[] whole = File.ReadAllBytes(FilePath);
        Replace(whole[..(length < 0 ? whole.Length + length : length)]);

        using CodeStore again = Open();
        Assert.Empty(Read(again, 1));
    }

    [Fact]
    public void Open_FileThatOthersMayWrite_IsEmpty()
    {
        using (CodeStore store = Open())
        {
            Keep(store, 1);
        }

        File.SetUnixFileMode(FilePath, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherWrite);

        using CodeStore again = Open();
        Assert.Empty(Read(again, 1));
    }

    [Fact]
    public void Leave_NowhereToWrite_SaysWhyAndGoesOn()
    {
        using CodeStore store = CodeStore.Open(Path.Combine(_directory, "none", "a.code"), Identity, Random.Shared.NextBytes, keepsLittle: true);
        Keep(store, 1);

        Assert.NotNull(store.Trouble);
        Assert.Empty(Read(store, 1));
    }

    // What another process put in its place goes by another key.
    [Fact]
    public void Read_AnotherProcessWroteTheFile_HasWhatItHad()
    {
        using CodeStore one = Open();
        using CodeStore other = Open();
        Keep(one, 1);
        Keep(other, 2);

        Assert.Equal(FakeSource.BytesOf(1), Read(one, 1));
        Assert.Equal(FakeSource.BytesOf(2), Read(other, 2));
    }

    private CodeStore Open(string identity = Identity, bool keepsLittle = true) => CodeStore.Open(FilePath, identity, Random.Shared.NextBytes, keepsLittle: keepsLittle);

    private static void Keep(CodeStore store, params byte[] pages) => Keep(store, new FakeSource(pages));

    private int[] InstructionsOf(params byte[] pages)
    {
        using StoreFile file = StoreFile.Open(FilePath, XxHash128.HashToUInt128(Encoding.UTF8.GetBytes(Identity)))!; // it was just written
        return [.. pages.Select(p => file.Pages.ToArray().Single(e => e.Key == FakeSource.KeyOf(p)).Instructions)];
    }

    private static void Keep(CodeStore store, FakeSource source)
    {
        Assert.True(store.TryJoin(source, Thunks));
        store.Leave(source);
        Assert.True(source.Released.Wait(60_000, TestContext.Current.CancellationToken));
    }

    private byte[] Read(CodeStore store, byte page) => _read[..store.Read(FakeSource.KeyOf(page), _read)];

    private void Replace(byte[] bytes)
    {
        File.Delete(FilePath);
        File.WriteAllBytes(FilePath, bytes);
        File.SetUnixFileMode(FilePath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
