using Bulkhead.Host;
using Bulkhead.Images.Recipes;
using CsCheck;
using Xunit;

namespace Bulkhead.Images.Tests;

public sealed class RecipeReaderTests
{
    [Fact]
    public void Read_Initramfs_HasNoDisk()
    {
        Recipe recipe = RecipeReader.Read("a", "a.yaml", "kernel: linux-image-rt-amd64\npackages: [rt-tests, libc6]\nprograms: [bin/cyclictest]\n");

        Assert.Equal("linux-image-rt-amd64", recipe.KernelPackage);
        Assert.Equal(["rt-tests", "libc6"], recipe.Packages);
        Assert.Equal(["bin/cyclictest"], recipe.Programs);
        Assert.Null(recipe.Disk);
    }

    [Fact]
    public void Read_Disk_HasWhatIsWritten()
    {
        Recipe recipe = RecipeReader.Read("a", "a.yaml", """
            kernel: linux-image-cloud-amd64
            packages: [systemd-sysv]
            disk:
              suite: trixie
              sources: ["http://mirror.example/debian"]
              size: 2Gi
              hostname: box
              root_password: secret
              files:
                /etc/a b: |
                  text
              commands:
                - touch /x
            """);

        DiskRecipe disk = Assert.IsType<DiskRecipe>(recipe.Disk);
        Assert.Equal(("trixie", 2L << 30, "box", "secret"), (disk.Suite, disk.SizeBytes, disk.Hostname, disk.RootPassword));
        Assert.Equal(["http://mirror.example/debian"], disk.Sources);
        Assert.Equal([("/etc/a b", "text\n")], disk.Files);
        Assert.Equal(["touch /x"], disk.Commands);
    }

    [Fact]
    public void Read_DiskWithTheLeast_HasDefaults()
    {
        DiskRecipe disk = Assert.IsType<DiskRecipe>(RecipeReader.Read("a", "a.yaml", "kernel: k-1\ndisk: { suite: trixie }").Disk);

        Assert.Equal((4L << 30, "debian", null), (disk.SizeBytes, disk.Hostname, disk.RootPassword));
    }

    [Theory]
    [InlineData("", "a.yaml:1:1: is empty; ")]
    [InlineData("packages: [a1]", "a.yaml:1:1: kernel: is missing; the name of a package")]
    [InlineData("kernel: k1\nkernal: k2", "a.yaml:2:1: kernal: is not a field; fields are kernel, packages, programs, disk; did you mean kernel?")]
    [InlineData("kernel: Linux", "a.yaml:1:9: kernel: \"Linux\" is not the name of a package; ")]
    [InlineData("kernel: k1\npackages: a1", "a.yaml:2:11: packages: is not a list; ")]
    [InlineData("kernel: k1\npackages: [a1, 'b c']", "a.yaml:2:16: packages[1]: \"b c\" does not fit; ")]
    [InlineData("kernel: k1\npackages: [{a: b}]", "a.yaml:2:12: packages[0]: is not a text; ")]
    [InlineData("kernel: k1\nprograms: [/bin/x]", "a.yaml:2:12: programs[0]: \"/bin/x\" does not fit; ")]
    [InlineData("kernel: k1\nprograms: [bin/x]\ndisk: {suite: sid}", "a.yaml:2:11: programs: does not go with disk; ")]
    [InlineData("kernel: k1\ndisk: 4Gi", "a.yaml:2:7: disk: is not a mapping of fields; ")]
    [InlineData("kernel: k1\ndisk: {}", "a.yaml:2:7: disk.suite: is missing; ")]
    [InlineData("kernel: k1\ndisk: {suite: Bookworm!}", "a.yaml:2:15: disk.suite: \"Bookworm!\" is not a suite; ")]
    [InlineData("kernel: k1\ndisk: {suite: sid, size: 4}", "a.yaml:2:26: disk.size: \"4\" is too small; ")]
    [InlineData("kernel: k1\ndisk: {suite: sid, hostname: A_b}", "a.yaml:2:30: disk.hostname: \"A_b\" is not a name; ")]
    [InlineData("kernel: k1\ndisk: {suite: sid, root_password: 'a:b'}", "a.yaml:2:35: disk.root_password: has a colon or a space; ")]
    [InlineData("kernel: k1\npackages: [grub-pc-bin]\ndisk: {suite: sid, bootable: true}", "a.yaml:2:11: packages: lacks grub-efi-amd64-bin; a disk that is bootable needs grub-pc-bin and grub-efi-amd64-bin")]
    [InlineData("kernel: k1\ndisk:\n  suite: sid\n  files:\n    etc/x: a", "a.yaml:5:5: disk.files: \"etc/x\" is not a path; ")]
    [InlineData("kernel: k1\ndisk:\n  suite: sid\n  files:\n    /etc/../x: a", "a.yaml:5:5: disk.files: \"/etc/../x\" is not a path; ")]
    [InlineData("kernel: k1\ndisk:\n  suite: sid\n  files:\n    /etc/x: [a]", "a.yaml:5:13: disk.files./etc/x: is not a text; ")]
    [InlineData("kernel: k1\ndisk: {suite: sid, comands: [a]}", "a.yaml:2:20: disk.comands: is not a field; fields are suite, sources, size, hostname, root_password, bootable, files, commands; did you mean commands?")]
    public void Read_WhatIsWrong_IsNamedWithItsPlace(string text, string expected)
    {
        OperatorException error = Assert.Throws<OperatorException>(() => RecipeReader.Read("a", "a.yaml", text));

        Assert.StartsWith(expected, error.Message, StringComparison.Ordinal);
        Assert.Equal(2, error.ExitCode);
    }

    [Fact]
    public void Read_TwoErrors_AreBothNamed()
    {
        OperatorException error = Assert.Throws<OperatorException>(() => RecipeReader.Read("a", "a.yaml", "kernel: K\ndisk: {}"));

        Assert.Equal(2, error.Message.Split('\n').Length);
    }

    [Fact]
    public void Read_AnyText_IsReadOrRefused() => Gen.String[Gen.Char["kernl:disk \n-[]{}&*!|>'\"#,/1"], 0, 60].Sample(text =>
    {
        try
        {
            _ = RecipeReader.Read("a", "a.yaml", text);
        }
        catch (OperatorException)
        {
        }
    });

    [Theory]
    [InlineData("debian", false)]
    [InlineData("debian-rt", false)]
    [InlineData("debian-full", true)]
    public void Read_RecipesOfTheProgram_AreRight(string name, bool hasDisk) => Assert.Equal(hasDisk, RecipeCatalog.Read(name).Disk is not null);

    [Fact]
    public void Read_FileThatIsNotThere_SaysSo()
    {
        OperatorException error = Assert.Throws<OperatorException>(() => RecipeCatalog.Read("/no/such.yaml"));

        Assert.StartsWith("/no/such.yaml: cannot be read", error.Message, StringComparison.Ordinal);
    }
}
