using Bulkhead.Devices.Executors;
using Bulkhead.Devices.Firmware;
using Bulkhead.Devices.Tests.Chipset;
using Xunit;

namespace Bulkhead.Devices.Tests.Firmware;

public sealed class FlashTests : IDisposable
{
    private const int Bytes = 3 * Flash.BlockBytes;

    private readonly string _path = Path.GetTempFileName();
    private readonly FlashContent _content;
    private readonly Flash _flash;

    public FlashTests()
    {
        byte[] bytes = [.. Enumerable.Repeat((byte)0xF0, Bytes)];
        File.WriteAllBytes(_path, bytes);
        _content = new FlashContent(bytes, File.OpenHandle(_path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite), new ImmediateExecutor());
        _flash = new Flash(_content);
    }

    public void Dispose()
    {
        _content.Dispose();
        File.Delete(_path);
    }

    [Fact]
    public void Read_AfterReset_IsTheArray() => Assert.Equal(0xF0F0_F0F0u, _flash.In32(Bytes - 4));

    // By what OVMF tells a flash from RAM and ROM.
    [Fact]
    public void Status_Cleared_ReadsAsNothingAndThenTheArray()
    {
        _flash.Out8(8, 0x50);
        Assert.Equal(0xF0, _flash.In8(8));
        _flash.Out8(8, 0x70);
        Assert.Equal(0, _flash.In8(8));
        _flash.Out8(8, 0xFF);
        Assert.Equal(0xF0, _flash.In8(8));
    }

    [Fact]
    public void Program_ClearsBitsOnly_InTheFileToo()
    {
        _flash.Out8(100, 0x10);
        _flash.Out8(100, 0x3C);
        Assert.Equal(0x80, _flash.In8(0));
        _flash.Out8(0, 0xFF);

        Assert.Equal((0xF0, 0x30, 0xF0), (_flash.In8(99), _flash.In8(100), _flash.In8(101)));
        Assert.Equal(0x30, File.ReadAllBytes(_path)[100]);
    }

    [Fact]
    public void Erase_Confirmed_SetsTheWholeBlockAndNoOther()
    {
        _flash.Out8(Flash.BlockBytes + 5, 0x20);
        _flash.Out8(Flash.BlockBytes + 5, 0xD0);
        _flash.Out8(0, 0xFF);

        Assert.Equal((0xF0, 0xFF), (_flash.In8(Flash.BlockBytes - 1), _flash.In8(Flash.BlockBytes)));
        Assert.Equal((0xFF, 0xF0), (_flash.In8((2 * Flash.BlockBytes) - 1), _flash.In8(2 * Flash.BlockBytes)));
    }

    [Fact]
    public void Erase_NotConfirmed_IsAnErrorInTheStatus()
    {
        _flash.Out8(0, 0x20);
        _flash.Out8(0, 0x10);
        Assert.Equal(0xB0, _flash.In8(0));
        _flash.Out8(0, 0xFF);
        Assert.Equal(0xF0, _flash.In8(0));
    }

    [Fact]
    public void Changes_ByAThread_AreInTheFileInTheirOrderAtTheEnd()
    {
        byte[] bytes = [.. Enumerable.Repeat((byte)0xFF, Bytes)];
        File.WriteAllBytes(_path, bytes);
        using (var content = new FlashContent(bytes, File.OpenHandle(_path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite), new ThreadExecutor("flash")))
        {
            var flash = new Flash(content);
            for (uint i = 0; i < 1000; i++)
            {
                flash.Out8(i, 0x10);
                flash.Out8(i, (byte)i);
                flash.Out8(Flash.BlockBytes + i, 0x40);
                flash.Out32(Flash.BlockBytes + (4 * i % 4096), i);
            }

            flash.Out8(Flash.BlockBytes, 0x20);
            flash.Out8(Flash.BlockBytes, 0xD0);
            flash.Out8(Flash.BlockBytes, 0x10);
            flash.Out8(Flash.BlockBytes, 0x77);
        }

        byte[] file = File.ReadAllBytes(_path);
        Assert.Equal([.. Enumerable.Range(0, 1000).Select(static i => (byte)i)], file[..1000]);
        Assert.Equal([0x77, .. Enumerable.Repeat((byte)0xFF, Flash.BlockBytes - 1)], file[Flash.BlockBytes..(2 * Flash.BlockBytes)]);
    }

    [Fact]
    public void Changes_TheFileDoesNotTake_AreFailedPrograms()
    {
        using var content = new FlashContent([.. Enumerable.Repeat((byte)0xFF, Bytes)], File.OpenHandle("/dev/full", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite), new ImmediateExecutor());
        var failures = new List<Exception>();
        content.Failed += failures.Add;
        var flash = new Flash(content);
        flash.Out8(0, 0x10);
        flash.Out8(0, 0x01); // nobody knows yet
        flash.Out8(1, 0x10);
        flash.Out8(1, 0x01);

        _ = Assert.IsAssignableFrom<IOException>(Assert.Single(failures));
        Assert.Equal(0x90, flash.In8(0));
        flash.Out8(0, 0xFF);
        Assert.Equal(0xFF, flash.In8(1));
    }

    [Fact]
    public void Store_WithoutCommand_ChangesNothing()
    {
        _flash.Out32(0, 0x0000_0001);
        Assert.Equal(0xF0F0_F0F0u, _flash.In32(0));
    }
}
