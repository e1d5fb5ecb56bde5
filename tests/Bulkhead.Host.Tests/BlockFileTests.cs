using Bulkhead.Host.Files;
using Xunit;

namespace Bulkhead.Host.Tests;

public sealed class BlockFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bulkhead-block-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Write_OddBytesPastThePageCache_KeepsTheNeighbours()
    {
        string path = _folder + "/file";
        byte[] bytes = new byte[64 << 10];
        new Random(3).NextBytes(bytes);
        File.WriteAllBytes(path, bytes);
        var random = new Random(4);
        using (BlockFile file = BlockFile.Open(path, readOnly: false, direct: true))
        {
            Assert.InRange(file.AlignmentBytes, 512, 4096);
            for (int i = 0; i < 300; i++)
            {
                int length = random.Next(1, 9000);
                int offset = random.Next(bytes.Length - length + 1);
                random.NextBytes(bytes.AsSpan(offset, length));
                Assert.Equal(Errno.None, file.Write(offset, bytes.AsSpan(offset, length)));
                int at = random.Next(bytes.Length - length + 1);
                byte[] data = new byte[length];
                Assert.Equal(Errno.None, file.Read(at, data, out int count));
                Assert.Equal(length, count);
                Assert.Equal(bytes[at..(at + length)], data);
            }
        }

        Assert.Equal(bytes, File.ReadAllBytes(path));
    }

    [Fact]
    public void Discard_WholeDisk_GivesTheStorageBack()
    {
        string path = _folder + "/file";
        File.WriteAllBytes(path, [.. Enumerable.Repeat((byte)1, 1 << 20)]);
        using BlockFile file = BlockFile.Open(path, readOnly: false);
        Assert.SkipWhen(file.PunchHole(0, 4096) == Errno.NotSupported, "the file system knows no holes");
        long before = file.AllocatedBytes;
        Assert.Equal(Errno.None, file.PunchHole(0, 1 << 20));

        Assert.True(file.AllocatedBytes < before, $"{file.AllocatedBytes} of {before} bytes are left");
        Assert.Equal((1 << 20, 1 << 20), file.NextData(0));
    }

    [Fact]
    public void CreateTemporary_File_HasNoName()
    {
        using BlockFile file = BlockFile.CreateTemporary(_folder);

        Assert.Equal(Errno.None, file.Write(5, new byte[] { 1, 2, 3 }));
        Assert.Equal(8, file.LengthBytes);
        byte[] data = new byte[10];
        Assert.Equal(Errno.None, file.Read(0, data, out int count));
        Assert.Equal(8, count);
        Assert.Equal([0, 0, 0, 0, 0, 1, 2, 3, 0, 0], data);
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void Open_FileInUse_NamesTheHolder()
    {
        string path = _folder + "/file";
        File.WriteAllBytes(path, new byte[512]);
        using BlockFile first = BlockFile.Open(path, readOnly: false);

        OperatorException e = Assert.Throws<OperatorException>(() => BlockFile.Open(path, readOnly: false));

        Assert.Contains("in use by this process", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_FileAnotherProgramUses_NamesIt()
    {
        string path = _folder + "/file";
        File.WriteAllBytes(path, new byte[512]);
        Assert.SkipUnless(File.Exists("/usr/bin/python3"), "there is no python3 here");
        var start = new System.Diagnostics.ProcessStartInfo("/usr/bin/python3", ["-c", """
            import fcntl, struct, sys
            f = open(sys.argv[1], 'r+b')
            fcntl.fcntl(f, 37, struct.pack('hhqqi4x', fcntl.F_RDLCK, 0, 201, 1, 0))
            print('locked', flush=True)
            sys.stdin.read()
            """, path]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        using var other = System.Diagnostics.Process.Start(start);
        Assert.NotNull(other);
        Assert.Equal("locked", other.StandardOutput.ReadLine());

        OperatorException e = Assert.Throws<OperatorException>(() => BlockFile.Open(path, readOnly: false));
        other.StandardInput.Close();
        other.WaitForExit();

        Assert.Contains($"in use by process {other.Id} (python3)", e.Message, StringComparison.Ordinal);
        BlockFile.Open(path, readOnly: false).Dispose();
    }
}
