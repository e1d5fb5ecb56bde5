using System.Runtime.Versioning;
using Bulkhead.Host.Files;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Bulkhead.Host.Tests;

[SupportedOSPlatform("linux")]
public sealed class HostFileTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void CreatePrivate_AFile_IsOurs()
    {
        using SafeFileHandle file = HostFile.CreatePrivate(Path.Combine(_directory, "a"));

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.True(HostFile.IsOurs(file));
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.GroupWrite);
        Assert.False(HostFile.IsOurs(file));
    }

    [Fact]
    public void IsOurs_Folder_IsOneThatNobodyElseWrites()
    {
        Assert.True(HostFile.IsOurs(_directory));
        Assert.False(HostFile.IsOurs(Path.Combine(_directory, "none")));
        File.SetUnixFileMode(_directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherWrite);
        Assert.False(HostFile.IsOurs(_directory));
    }

    [Fact]
    public void IsOurs_LinkToOurs_IsNot()
    {
        string link = Path.Combine(_directory, "link");
        File.CreateSymbolicLink(link, _directory);

        // The link itself is looked at, whose rights are all.
        Assert.False(HostFile.IsOurs(link));
    }

    [Fact]
    public void WhyNotPrivate_Folder_IsThisUsersAlone()
    {
        string link = Path.Combine(_directory, "link"), file = Path.Combine(_directory, "file");
        File.CreateSymbolicLink(link, _directory);
        File.WriteAllText(file, string.Empty);

        Assert.Null(HostFile.WhyNotPrivate(_directory));
        Assert.Null(HostFile.WhyNotPrivate(Path.Combine(_directory, "none")));
        Assert.NotNull(HostFile.WhyNotPrivate(link));
        Assert.NotNull(HostFile.WhyNotPrivate(file));
        File.SetUnixFileMode(_directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute);
        Assert.Equal("others may use it (mode 750; 700 is right)", HostFile.WhyNotPrivate(_directory));
    }

    [Fact]
    public void WhyNotPrivate_FolderOfAnotherUser_IsNot()
    {
        Assert.SkipWhen(Environment.IsPrivilegedProcess, "The folder that is looked at is this user's.");

        Assert.StartsWith("it belongs to another user (number ", HostFile.WhyNotPrivate("/"), StringComparison.Ordinal);
    }

    [Fact]
    public void CreatePrivate_NowhereToBe_Throws() =>
        Assert.Throws<IOException>(() => HostFile.CreatePrivate(Path.Combine(_directory, "none", "a")));
}
