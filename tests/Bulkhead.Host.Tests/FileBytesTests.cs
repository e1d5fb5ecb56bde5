using Bulkhead.Host.Files;
using Xunit;

namespace Bulkhead.Host.Tests;

public sealed class FileBytesTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4096)]
    [InlineData(100_001)]
    public void Read_AnyLength_HasTheBytes(int length)
    {
        byte[] expected = new byte[length];
        new Random(length).NextBytes(expected);
        File.WriteAllBytes(_path, expected);
        using FileBytes bytes = FileBytes.Read(_path);
        Assert.True(bytes.Span.SequenceEqual(expected));
    }

    [Fact]
    public void Read_NoSuchFile_IsAnIoException() => Assert.ThrowsAny<IOException>(() => FileBytes.Read(_path + ".none"));

    public void Dispose() => File.Delete(_path);
}
