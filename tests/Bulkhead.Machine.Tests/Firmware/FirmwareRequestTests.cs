using Bulkhead.Host;
using Bulkhead.Host.Files;
using Bulkhead.Machine.Firmware;
using Xunit;

namespace Bulkhead.Machine.Tests.Firmware;

public sealed class FirmwareRequestTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    [Fact]
    public void Parse_FileWithLog_HasAbsolutePaths()
    {
        string file = Make("bios.bin", 64 << 10);

        FirmwareRequest? request = FirmwareRequest.Parse($"{file},log=here.log", out string? error);

        Assert.Null(error);
        Assert.Equal((file, Path.GetFullPath("here.log")), (request?.Path, request?.LogPath));
    }

    [Fact]
    public void Parse_CodeWithVariablesBesideIt_KnowsWhatTheyBeginAs()
    {
        string code = Make("X_CODE.fd", 64 << 10);
        string variables = Make("X_VARS.fd", 4096);

        FirmwareRequest? request = FirmwareRequest.Parse($"{code},vars={_folder}/own.fd", out _);

        Assert.Equal((variables, $"{_folder}/own.fd"), (request?.Template, request?.VariablesPath));
    }

    [Fact]
    public void Parse_NoSuchFile_NamesItAndWhatThereIs()
    {
        Assert.Null(FirmwareRequest.Parse("/no/such.bin", out string? error));
        Assert.Equal("/no/such.bin: there is no such file; give the path of a firmware, or one of seabios, ovmf.", error);
    }

    [Fact]
    public void Parse_VariablesWithoutAny_IsRefused()
    {
        string file = Make("bios.bin", 64 << 10);

        Assert.Null(FirmwareRequest.Parse($"{file},vars=own.fd", out string? error));
        Assert.Equal($"{file}: has no variables; leave them out.", error);
    }

    [Theory]
    [InlineData(17 << 20, "17825792 bytes are no firmware; it has 64 KiB to 16 MiB, in whole 4 KiB.")]
    [InlineData(0, "0 bytes are no firmware; it has 64 KiB to 16 MiB, in whole 4 KiB.")]
    [InlineData((64 << 10) + 1, "65537 bytes are no firmware; it has 64 KiB to 16 MiB, in whole 4 KiB.")]
    public void Read_WrongSize_NamesFileAndFix(int bytes, string words)
    {
        string file = Make("bios.bin", bytes);

        OperatorException error = Assert.Throws<OperatorException>(() => new FirmwareRequest { Path = file }.Read());

        Assert.Equal(($"{file}: {words} Give Debian's seabios or ovmf, or another firmware for 440FX.", 2), (error.Message, error.ExitCode));
    }

    [Fact]
    public void Read_NothingAtTheResetVector_IsRefused()
    {
        string file = Path.Combine(_folder, "empty.bin");
        File.WriteAllBytes(file, new byte[64 << 10]);

        OperatorException error = Assert.Throws<OperatorException>(() => new FirmwareRequest { Path = file }.Read());

        Assert.Contains("nothing stands in its last 16 bytes, where a processor begins", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_Firmware_IsTheFile()
    {
        string file = Make("bios.bin", 128 << 10);

        using FileBytes bytes = new FirmwareRequest { Path = file }.Read();

        Assert.Equal(File.ReadAllBytes(file), bytes.Span.ToArray());
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Make(string name, int bytes)
    {
        string path = Path.Combine(_folder, name);
        byte[] content = new byte[bytes];
        content.AsSpan().Fill(0x90);
        File.WriteAllBytes(path, content);
        return path;
    }
}
