using System.Text;
using Bulkhead.Devices.Display;
using Bulkhead.Images;
using Bulkhead.Machine.Devices;
using Bulkhead.Machine.Domains;
using Xunit;

namespace Bulkhead.Machine.Tests.Boots;

/// <summary>An unmodified Debian kernel finds the display as a framebuffer that firmware set up, and the keyboard.</summary>
public sealed class DisplayBootTests
{
    private const int LongestMs = 300_000;
    private const int Width = 640;
    private const int Height = 480;

    [Fact]
    public void TextConsole_ShowsWhatIsTyped_AndTheShellOnItDoesWhatItSays()
    {
        var output = new StringBuilder();
        bool Says(string words)
        {
            lock (output)
            {
                return output.ToString().Contains(words, StringComparison.Ordinal);
            }
        }

        GuestImage image = new ImageStore().Resolve("debian", update: false, static _ => { });
        using TranslatorEngines engines = TranslatorEngines.Create(string.Empty);
        using MachineRunner runner = MachineRunner.Build(
            new MachineRequest
            {
                Domains =
                [
                    new DomainRequest
                    {
                        Name = "box",
                        KernelPath = image.KernelPath,
                        InitrdPath = image.InitrdPath,
                        LinuxWords = DomainRequest.LinuxScreen + DomainRequest.LinuxConsole,
                        CommandLine = "quiet bulkhead.task=shell",
                        Display = new DisplayRequest(Width, Height),
                        Serial = data =>
                        {
                            lock (output)
                            {
                                output.Append(Encoding.UTF8.GetString(data));
                            }
                        },
                    },
                ],
            },
            engines.Seam);
        Domain domain = runner.Domains[0];
        runner.Start();
        Assert.True(SpinWait.SpinUntil(() => Says("/root # "), LongestMs), output.ToString());
        int before = Lit(domain);

        var keys = KeySequence.OfText("cat /sys/class/graphics/fb0/name >/dev/ttyS0; echo \"Typed: $((6*7))\" >/dev/ttyS0\n");
        Assert.True(SpinWait.SpinUntil(() => domain.TryType(keys) && keys.IsDone, LongestMs), output.ToString());
        Assert.True(SpinWait.SpinUntil(() => Says("Typed: 42"), LongestMs), output.ToString());

        // Each of the characters of the line that the shell echoed has some pixels.
        Assert.InRange(Lit(domain), before + 100, Width * Height / 2);
        Assert.Contains("EFI VGA", output.ToString(), StringComparison.Ordinal);
        runner.Stop(0, "seen");
        _ = runner.Wait();
    }

    private static int Lit(Domain domain)
    {
        ScreenImage image = domain.Board?.Display?.Capture() ?? throw new InvalidOperationException("There is no display.");
        Assert.Equal((Width, Height), (image.Width, image.Height));
        return image.Pixels.ToArray().Chunk(4).Count(static p => p[0] + p[1] + p[2] > 0);
    }
}
