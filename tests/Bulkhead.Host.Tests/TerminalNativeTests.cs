using System.Runtime.CompilerServices;
using Bulkhead.Host.Files;
using Bulkhead.Host.Terminal;
using Xunit;

namespace Bulkhead.Host.Tests;

public sealed class TerminalNativeTests
{
    [Fact]
    public void WireStructs_OfTheKernel_HaveItsSizes()
    {
        // struct termios is 60 bytes in the C library; ours has the padding of three more words.
        Assert.Equal(72, Unsafe.SizeOf<TerminalNative.Attributes>());
        Assert.Equal(8, Unsafe.SizeOf<TerminalNative.WindowSize>());
        Assert.Equal(8, Unsafe.SizeOf<TerminalNative.PollEntry>());
    }

    [Fact]
    public void TryRead_DescriptorIsNoTerminal_IsFalse()
    {
        using FileStream file = File.OpenRead("/dev/null");

        Assert.False(TerminalSize.TryRead((int)file.SafeFileHandle.DangerousGetHandle(), out _));
    }

    [Fact]
    public void TryEnter_DescriptorIsNoTerminal_IsNull()
    {
        using FileStream file = File.OpenRead("/dev/null");

        Assert.Null(RawTerminal.TryEnter((int)file.SafeFileHandle.DangerousGetHandle()));
    }

    [Fact]
    public void Acquire_LockIsHeld_WaitsForIt()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        using var waiting = new ManualResetEvent(false);
        bool second = false;
        FileLock first = FileLock.Acquire(path, () => { });
        var thread = new Thread(() =>
        {
            using FileLock held = FileLock.Acquire(path, () => waiting.Set());
            second = true;
        });

        thread.Start();
        _ = waiting.WaitOne();
        Assert.False(second);
        first.Dispose();
        thread.Join();
        File.Delete(path);

        Assert.True(second);
    }
}
