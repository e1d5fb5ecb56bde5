using Bulkhead.Devices.Executors;
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

    [Theory]
    [InlineData(100, 4096, "X_VARS.fd: 100 bytes are no variables of a firmware")]
    [InlineData(2 << 20, 4096, "X_VARS.fd: 2097152 bytes are no variables of a firmware")]
    [InlineData(8192, 4096, "own.fd: has 4096 bytes, but the variables of ")]
    public void Open_VariablesOfWrongSize_NamesTheFileAndFix(int template, int own, string words)
    {
        string code = Make("X_CODE.fd", 64 << 10);
        _ = Make("X_VARS.fd", template);
        var request = new FirmwareRequest { Path = code, VariablesPath = Make("own.fd", own) };

        OperatorException error = Assert.Throws<OperatorException>(() => FirmwareImage.Open(request, static () => new ImmediateExecutor()));

        Assert.StartsWith(Path.Combine(_folder, words), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_VariablesThatAreNotThere_MakesThemOnceAndForOneAtATime()
    {
        string code = Make("X_CODE.fd", 64 << 10);
        string first = Make("X_VARS.fd", 8192);
        var request = new FirmwareRequest { Path = code, VariablesPath = Path.Combine(_folder, "own.fd") };

        using (FirmwareImage.Open(request, static () => new ImmediateExecutor()))
        {
            Assert.Equal(File.ReadAllBytes(first).Length, new FileInfo(request.VariablesPath).Length);
            Assert.Contains("cannot be used for variables", Assert.Throws<OperatorException>(() => FirmwareImage.Open(request, static () => new ImmediateExecutor())).Message, StringComparison.Ordinal);
        }

        using FirmwareImage again = FirmwareImage.Open(request, static () => new ImmediateExecutor());
        Assert.Equal(8192, again.Variables?.Length);
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
