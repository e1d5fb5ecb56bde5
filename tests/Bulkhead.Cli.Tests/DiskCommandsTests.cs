using System.Text.Json;
using Bulkhead.Cli.Commands;
using Xunit;

namespace Bulkhead.Cli.Tests;

public sealed class DiskCommandsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bulkhead-disk-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("raw")]
    [InlineData("qcow2")]
    [InlineData("vmdk")]
    [InlineData("vdi")]
    public void CreateAndInfo_EachFormat_AgreeOnFormatAndSize(string format)
    {
        string path = $"{_folder}/disk.{format}";

        Assert.Equal(0, Run("create", path, "--size", "3M").Code);
        (int code, string output, _) = Run("info", path, "--json");

        Assert.Equal(0, code);
        JsonElement layer = JsonDocument.Parse(output).RootElement.GetProperty("layers")[0];
        Assert.Equal(format, layer.GetProperty("format").GetString());
        Assert.Equal(3 << 20, layer.GetProperty("sizeBytes").GetInt64());
    }

    [Fact]
    public void Convert_ThroughEveryFormat_KeepsEveryByte()
    {
        byte[] bytes = new byte[(2 << 20) + 512];
        new Random(1).NextBytes(bytes.AsSpan(300_000, 700_000));
        File.WriteAllBytes(_folder + "/first.raw", bytes);
        string last = _folder + "/first.raw";
        foreach (string name in (string[])["a.qcow2", "b.vmdk", "c.vdi", "d.raw"])
        {
            Assert.Equal(0, Run("convert", last, $"{_folder}/{name}").Code);
            last = $"{_folder}/{name}";
        }

        Assert.Equal(bytes, File.ReadAllBytes(last));
        Assert.Equal(1, Run("convert", _folder + "/first.raw", last).Code);
        Assert.Empty(Directory.GetFiles(_folder, "*.partial"));
    }

    [Fact]
    public void CreateWithBacking_Info_ShowsTheChain()
    {
        Assert.Equal(0, Run("create", _folder + "/base.qcow2", "--size", "1G").Code);
        Assert.Equal(0, Run("create", _folder + "/top.qcow2", "--backing", _folder + "/base.qcow2").Code);

        string output = Run("info", _folder + "/top.qcow2").Output;

        Assert.Contains("size:        1Gi", output, StringComparison.Ordinal);
        Assert.Contains($"laid over:   {_folder}/base.qcow2 (qcow2)", output, StringComparison.Ordinal);
        Assert.Contains($"file:        {_folder}/base.qcow2", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("+1M", false, 0, 2 << 20)]
    [InlineData("5M", false, 0, 5 << 20)]
    [InlineData("512K", false, 1, 1 << 20)]
    [InlineData("512K", true, 0, 1 << 19)]
    [InlineData("1000", false, 2, 1 << 20)]
    public void Resize_Raw_GrowsAndCutsOnlyWhenTold(string size, bool shrink, int code, int expected)
    {
        string path = _folder + "/disk.raw";
        Assert.Equal(0, Run("create", path, "--size", "1M").Code);

        Assert.Equal(code, (shrink ? Run("resize", path, size, "--shrink") : Run("resize", path, size)).Code);

        Assert.Equal(expected, new FileInfo(path).Length);
    }

    [Fact]
    public void Check_DamagedImage_EndsWithOneAndIsRepaired()
    {
        string path = _folder + "/disk.qcow2";
        Assert.Equal(0, Run("create", path, "--size", "1M").Code);
        Assert.Contains("0 errors, 0 leaked", Run("check", path).Output, StringComparison.Ordinal);
        using (FileStream file = File.OpenWrite(path))
        {
            // The counts of clusters 1 and 9.
            file.Position = (2 << 16) + 2;
            file.Write([0, 0]);
            file.Position = (2 << 16) + 18;
            file.Write([0, 1]);
        }

        (int code, string output, _) = Run("check", path);
        Assert.Equal(1, code);
        Assert.Contains("error: cluster 1 is used 1 times and counted 0 times", output, StringComparison.Ordinal);
        Assert.Contains("1 errors, 1 leaked", output, StringComparison.Ordinal);
        Assert.Equal(0, Run("check", path, "--repair").Code);
        Assert.Contains("0 errors, 0 leaked", Run("check", path).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, "--size: a disk needs one", "create", "x.qcow2")]
    [InlineData(2, "Try 'bulkhead disk create --help'.", "create", "x.qcow2", "--size", "many")]
    [InlineData(2, "did you mean convert?", "convrt", "x", "y")]
    [InlineData(1, "there is no such file", "info", "x.qcow2")]
    [InlineData(1, "x/new.qcow2: there is no folder ", "create", "x/new.qcow2", "--size", "1M")]
    [InlineData(1, "x/new.qcow2: there is no folder ", "convert", "x.raw", "x/new.qcow2")]
    public void Mistakes_AreNamed(int code, string expected, params string[] arguments)
    {
        File.WriteAllBytes($"{_folder}/x.raw", new byte[4096]);
        (int actual, _, string errors) = Run([arguments[0], .. arguments[1..].Select(a => a.StartsWith('x') ? $"{_folder}/{a}" : a)]);

        Assert.Equal(code, actual);
        Assert.Contains(expected, errors, StringComparison.Ordinal);
    }

    private static (int Code, string Output, string Errors) Run(params string[] arguments)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        int code = new CommandLine(new RecordingHost(), output, errors).Invoke(["disk", .. arguments]);
        return (code, output.ToString(), errors.ToString());
    }
}
