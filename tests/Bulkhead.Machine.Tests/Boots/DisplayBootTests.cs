using System.Text;
using Bulkhead.Devices.Display;
using Bulkhead.Images;
using Bulkhead.Machine.Devices;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Firmware;
using Xunit;

namespace Bulkhead.Machine.Tests.Boots;

/// <summary>Unmodified guests find display and keyboard by drivers of their own.</summary>
public sealed class DisplayBootTests : IDisposable
{
    private const int LongestMs = 300_000;
    private const int Width = 800;
    private const int Height = 600;

    private readonly StringBuilder _output = new();
    private readonly TranslatorEngines _engines = TranslatorEngines.Create(string.Empty);
    private MachineRunner? _runner;

    /// <summary>As a framebuffer that firmware set up (efifb), which Debian's cloud kernel has built in.</summary>
    [Fact]
    public void Linux_ShowsItsTextConsole_AndTheShellOnItDoesWhatIsTyped()
    {
        GuestImage image = new ImageStore().Resolve("debian", update: false, static _ => { });
        Domain domain = Start(new DomainRequest
        {
            Name = "box",
            KernelPath = image.KernelPath,
            InitrdPath = image.InitrdPath,
            CommandLine = "quiet bulkhead.task=shell",
            Serial = Take,
        });
        Await("/root # ");
        int before = Lit(domain);

        Type(domain, "cat /sys/class/graphics/fb0/name >/dev/ttyS0; echo \"Typed: $((6*7))\" >/dev/ttyS0\n");
        Await("Typed: 42");

        // Each of the characters of the line that the shell echoed has some pixels.
        Assert.InRange(Lit(domain), before + 100, Width * Height / 2);
        Assert.Contains("EFI VGA", Text, StringComparison.Ordinal);
    }

    /// <summary>OVMF has drivers for QEMU's displays and for PS/2 keyboards; without anything to start, it starts its shell.</summary>
    [Fact]
    public void Ovmf_ShowsItsShell_WhichDoesWhatIsTyped()
    {
        FirmwareRequest firmware = FirmwareRequest.Of("ovmf", static path => path);
        if (firmware.Trouble is { } trouble)
        {
            Assert.Skip(trouble);
        }

        Domain domain = Start(new DomainRequest { Name = "box", Firmware = firmware, Serial = Take });
        Await("Shell> ");
        int before = Lit(domain);
        Type(domain, "set Typed \"Forty Two\"\necho (%Typed%)\n");
        Await("(Forty Two)");
        Assert.InRange(Lit(domain), before + 100, Width * Height / 2);
    }

    public void Dispose()
    {
        _runner?.Stop(0, "seen");
        _ = _runner?.Wait();
        _runner?.Dispose();
        _engines.Dispose();
    }

    private string Text
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    private Domain Start(DomainRequest request)
    {
        _runner = MachineRunner.Build(new MachineRequest { Domains = [request with { Display = new DisplayRequest(Width, Height) }] }, _engines.Seam);
        _runner.Start();
        return _runner.Domains[0];
    }

    private void Take(ReadOnlySpan<byte> data)
    {
        lock (_output)
        {
            _output.Append(Encoding.UTF8.GetString(data));
        }
    }

    private void Await(string words) => Assert.True(SpinWait.SpinUntil(() => Text.Contains(words, StringComparison.Ordinal), LongestMs), Text);

    // As fast as is promised: OVMF loses what comes faster.
    private void Type(Domain domain, string text)
    {
        var keys = KeySequence.OfText(text);
        while (!keys.IsDone)
        {
            Assert.True(SpinWait.SpinUntil(() => domain.TryType(keys), LongestMs), Text);
            Thread.Sleep(10);
        }
    }

    private static int Lit(Domain domain)
    {
        ScreenImage image = domain.Board?.Display?.Capture() ?? throw new InvalidOperationException("There is no display.");
        Assert.Equal((Width, Height), (image.Width, image.Height));
        return image.Pixels.ToArray().Chunk(4).Count(static p => p[0] + p[1] + p[2] > 0);
    }
}
