using Bulkhead.Host.Files;
using Xunit;

namespace Bulkhead.Host.Tests;

public sealed class PathFaultTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bulkhead-path").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void OfFile_TellsApartWhatKeepsItFromBeingRead()
    {
        string file = Path.Combine(_folder, "file");
        Assert.Equal("there is no such file", PathFault.OfFile(file));
        Assert.Equal("that is a folder", PathFault.OfFile(_folder));

        File.WriteAllText(file, string.Empty);

        Assert.Null(PathFault.OfFile(file, written: true));
        Assert.Null(PathFault.OfFile("/dev/null"));
    }

    [Fact]
    public void OfFile_OnAFileSystemThatTakesNoWrites_IsReadOnly()
    {
        Assert.Null(PathFault.OfFile("/proc/version"));
        Assert.SkipWhen(Environment.IsPrivilegedProcess, "Root may write to everything.");
        Assert.Equal("this user may only read it", PathFault.OfFile("/proc/version", written: true));
    }

    [Fact]
    public void OfFolder_TellsApart()
    {
        Assert.Null(PathFault.OfFolder(_folder));
        Assert.Equal("there is no such folder", PathFault.OfFolder(Path.Combine(_folder, "none")));
        Assert.Equal("that is a file", PathFault.OfFolder("/dev/null"));
    }

    [Fact]
    public void OfNew_NeedsAFolder()
    {
        Assert.Null(PathFault.OfNew(Path.Combine(_folder, "new")));
        Assert.Equal($"there is no folder {_folder}/none", PathFault.OfNew(Path.Combine(_folder, "none", "new")));
        Assert.Equal("that is a folder", PathFault.OfNew(_folder));
    }
}
