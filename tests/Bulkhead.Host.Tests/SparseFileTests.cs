using System.Diagnostics;
using System.Globalization;
using Bulkhead.Host.Files;
using Xunit;

namespace Bulkhead.Host.Tests;

public sealed class SparseFileTests : IDisposable
{
    private const long Length = 64L << 20;
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    private string From => Path.Combine(_folder, "from");

    private string To => Path.Combine(_folder, "to");

    [Theory]
    [InlineData(new long[] { })]
    [InlineData(new long[] { 0 })]
    [InlineData(new long[] { 5_000_000, Length - 7 })]
    [InlineData(new long[] { 0, 3_000_000, 3_004_096, Length - 7 })]
    public void Copy_DataBetweenHoles_IsTheSameAndAsSmall(long[] places)
    {
        using (FileStream file = File.Create(From))
        {
            file.SetLength(Length);
            foreach (long place in places)
            {
                file.Position = place;
                file.Write("content"u8);
            }
        }

        SparseFile.Copy(From, To);

        Assert.Equal(Length, new FileInfo(To).Length);
        Assert.True(File.ReadAllBytes(From).AsSpan().SequenceEqual(File.ReadAllBytes(To)));
        Assert.InRange(AllocatedBytes(To), 0, AllocatedBytes(From) + (1 << 20));
    }

    [Fact]
    public void Copy_FileWithoutHoles_IsTheSame()
    {
        byte[] content = new byte[(3 << 20) + 5];
        new Random(1).NextBytes(content);
        File.WriteAllBytes(From, content);

        SparseFile.Copy(From, To);

        Assert.Equal(content, File.ReadAllBytes(To));
    }

    [Fact]
    public void Copy_TargetIsThere_IsRefused()
    {
        File.WriteAllText(From, "new");
        File.WriteAllText(To, "old");

        _ = Assert.Throws<IOException>(() => SparseFile.Copy(From, To));

        Assert.Equal("old", File.ReadAllText(To));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static long AllocatedBytes(string path)
    {
        using Process stat = Process.Start(new ProcessStartInfo("stat", ["-c", "%b", path]) { RedirectStandardOutput = true }) ?? throw new InvalidOperationException("stat did not start.");
        return long.Parse(stat.StandardOutput.ReadToEnd(), CultureInfo.InvariantCulture) * 512;
    }
}
