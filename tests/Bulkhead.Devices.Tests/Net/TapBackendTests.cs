using System.Diagnostics;
using Bulkhead.Abi.Virtio;
using Bulkhead.Devices.Backends.Net;
using Bulkhead.Host;
using Bulkhead.Host.Network;
using Xunit;

namespace Bulkhead.Devices.Tests.Net;

/// <summary>The host's kernel at the other end.</summary>
public sealed class TapBackendTests
{
    private static readonly string s_name = $"bh-test{Environment.ProcessId}"; // two runs do not meet

    [Fact]
    public void Frames_ToTheHost_AreAnswered()
    {
        if (!Ip("tuntap", "add", "dev", s_name, "mode", "tap"))
        {
            Assert.Skip("no TAP device can be made here; that takes CAP_NET_ADMIN and /dev/net/tun");
        }

        try
        {
            Assert.True(Ip("addr", "add", "198.18.77.1/24", "dev", s_name));
            Assert.True(Ip("link", "set", s_name, "up", "mtu", "1400"));
            using var tap = new TapBackend(TapDevice.Open(s_name));
            tap.Open(NetFeatures.GuestChecksum | NetFeatures.GuestTcp4 | NetFeatures.GuestTcp6);
            Assert.Equal(1400, tap.Mtu);
            OperatorException busy = Assert.Throws<OperatorException>(() => TapDevice.Open(s_name));
            Assert.Contains("another process uses it already", busy.Message, StringComparison.Ordinal);

            // Who has 198.18.77.1? Tell 198.18.77.2.
            byte[] question =
            [
                0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x52, 0x42, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1,
                0x52, 0x42, 0, 0, 0, 1, 198, 18, 77, 2, 0, 0, 0, 0, 0, 0, 198, 18, 77, 1,
            ];
            byte[] answer = [];
            int looks = 0;
            Assert.True(SpinWait.SpinUntil(
                () =>
                {
                    // Again and again: a host that is busy may not have come to the interface's being up.
                    if (looks++ % 1_000 == 0)
                    {
                        question.CopyTo(tap.BeginFrame(default, question.Length));
                        tap.CommitFrame();
                        Assert.True(tap.Send());
                    }

                    ReadOnlySpan<byte> frame = tap.PeekFrame(out _);
                    bool found = frame.Length >= 42 && frame[12] == 8 && frame[13] == 6 && frame[21] == 2;
                    answer = found ? frame.ToArray() : answer;
                    tap.DropFrame();
                    return found;
                },
                30_000));
            Assert.Equal([198, 18, 77, 1], answer[28..32]);
            Assert.Equal(question[6..12], answer[..6]);
        }
        finally
        {
            _ = Ip("link", "del", s_name);
        }
    }

    [Theory]
    [InlineData("bulkhead-none", "there is no such interface; make it with 'ip tuntap add dev bulkhead-none mode tap")]
    [InlineData("../lo", "there is no such interface")]
    [InlineData("lo", "the interface is of another kind")]
    public void Open_WhatIsNoTapDevice_SaysWhatToDo(string name, string expected)
    {
        OperatorException e = Assert.Throws<OperatorException>(() => TapDevice.Open(name));

        Assert.StartsWith($"TAP device {name}: ", e.Message, StringComparison.Ordinal);
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }

    private static bool Ip(params string[] words)
    {
        try
        {
            using Process? ip = Process.Start(new ProcessStartInfo("ip", words) { RedirectStandardError = true });
            ip?.WaitForExit();
            return ip?.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
