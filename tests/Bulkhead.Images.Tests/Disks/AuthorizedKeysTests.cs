using Bulkhead.Host;
using Bulkhead.Images.Debian;
using Bulkhead.Images.Disks;
using Xunit;

namespace Bulkhead.Images.Tests.Disks;

public sealed class AuthorizedKeysTests : IDisposable
{
    private const string Key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHh1 me@host";
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    [Fact]
    public void Read_NameOfThePrivateKey_TakesThePublicBesideIt()
    {
        string path = Write("id", "-----BEGIN OPENSSH PRIVATE KEY-----\n");
        _ = Write("id.pub", $"# mine\n{Key}\n");

        AuthorizedKeys keys = AuthorizedKeys.Read([path]);

        Assert.Equal(Key + "\n", keys.Text);
        Assert.Equal([path + ".pub"], keys.Paths);
    }

    [Theory]
    [InlineData("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\n")]
    [InlineData("")]
    [InlineData(Key + "\nnot a key\n")]
    public void Read_WhatIsNoPublicKey_IsRefused(string content)
    {
        string path = Write("id", content);

        OperatorException error = Assert.Throws<OperatorException>(() => AuthorizedKeys.Read([path]));

        Assert.StartsWith($"--ssh-key {path}: is not a public key", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OfUser_Twice_IsTheSameKeyMadeOnce()
    {
        if (!HostTool.IsHere("ssh-keygen"))
        {
            Assert.Skip("the host has no ssh-keygen");
        }

        AuthorizedKeys first = AuthorizedKeys.OfUser(_folder, _ => { });
        AuthorizedKeys second = AuthorizedKeys.OfUser(_folder, _ => Assert.Fail("it is there"));

        Assert.StartsWith("ssh-ed25519 ", first.Text, StringComparison.Ordinal);
        Assert.Equal(first.Text, second.Text);
        Assert.True(File.Exists(Path.Combine(_folder, "id_ed25519")));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Write(string name, string content)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, content);
        return path;
    }
}
