using System.Text;
using Bulkhead.Images;
using Bulkhead.Machine.Domains;
using Xunit;

namespace Bulkhead.Machine.Tests.Boots;

/// <summary>Unmodified Debian kernels on the translator, from power-up to the end of the initramfs's script.</summary>
public sealed class DebianBootTests
{
    private const int LongestMs = 300_000;

    [Theory]
    [InlineData("debian", 1, "x86-64-v2")]
    [InlineData("debian", 2, "auto")]
    [InlineData("debian-rt", 2, "auto")]
    public void Boot_ScriptTask_PassesEveryCheckAndPowersOff(string recipe, int vcpus, string cpu)
    {
        var output = new StringBuilder();
        using TranslatorEngines engines = TranslatorEngines.Create(string.Empty);
        using MachineRunner runner = Build(engines, recipe, vcpus, cpu, "script", data => output.Append(Encoding.UTF8.GetString(data)));
        runner.Start();
        bool ended = runner.Wait(LongestMs);
        if (!ended)
        {
            runner.Stop(1, "too long");
            _ = runner.Wait();
        }

        DomainResult result = runner.Results()[0];
        string text = output.ToString();
        Assert.True(ended, text);
        Assert.Equal((0, "powered off"), (result.ExitCode, result.Message));
        Assert.DoesNotContain("FAILED", text, StringComparison.Ordinal);
        Assert.Contains("script: done", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("debian", 1, "burn", "burn: ", "bulkhead: power button")]
    [InlineData("debian-rt", 2, "cyclictest", "cyclictest: T:", "cyclictest: summary")]
    public void PowerButton_PressedWhileATaskRuns_EndsTheTaskInGoodOrderAndPowersOff(string recipe, int vcpus, string task, string line, string lastWords)
    {
        var output = new StringBuilder();
        using var lines = new SemaphoreSlim(0);
        bool heard = false;
        using TranslatorEngines engines = TranslatorEngines.Create(string.Empty);
        using MachineRunner runner = Build(engines, recipe, vcpus, "auto", task, data =>
        {
            output.Append(Encoding.UTF8.GetString(data));
            string text = output.ToString();
            if (text.EndsWith('\n'))
            {
                string last = text[(text.LastIndexOf('\n', text.Length - 2) + 1)..];
                heard |= last.StartsWith("bulkhead: power button", StringComparison.Ordinal);
                _ = heard || last.StartsWith(line, StringComparison.Ordinal) ? lines.Release() : 0;
            }
        });
        runner.Start();

        // Pressed at each line of the task until it is heard: the guest listens soon after the task began.
        while (lines.Wait(LongestMs, TestContext.Current.CancellationToken) && !Volatile.Read(ref heard))
        {
            runner.Domains[0].PressPowerButton();
        }

        bool ended = runner.Wait(LongestMs);
        if (!ended)
        {
            runner.Stop(1, "too long");
            _ = runner.Wait();
        }

        DomainResult result = runner.Results()[0];
        Assert.True(ended, output.ToString());
        Assert.Equal((0, "powered off"), (result.ExitCode, result.Message));
        Assert.Contains(lastWords, output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Boot_WhileAnotherOfItsKindRunsAndOnceMore_IsNotTranslatedAgain()
    {
        using var store = new TemporaryFolder();
        long translated;
        using (TranslatorEngines engines = TranslatorEngines.Create(string.Empty, store.Path))
        {
            using var burns = new SemaphoreSlim(0);
            using MachineRunner first = Build(engines, "debian", 1, "auto", "burn", Hear("burn: ", burns));
            first.Start();
            Assert.True(burns.Wait(LongestMs, TestContext.Current.CancellationToken));
            translated = engines.TranslatedInstructions;
            _ = RunScript(engines); // has the first one's translations kept, however long that takes
            Assert.True(SpinWait.SpinUntil(() => Directory.GetFiles(store.Path, "*.code").Length > 0, LongestMs));
            long before = engines.TranslatedInstructions;
            long again = RunScript(engines);
            Assert.InRange(engines.TranslatedInstructions - before, 0, translated / 2);
            Assert.InRange(again, translated / 2, long.MaxValue);
            first.Stop(1, "seen enough");
            Assert.True(first.Wait(LongestMs));
        }

        using TranslatorEngines next = TranslatorEngines.Create(string.Empty, store.Path);
        long loaded = RunScript(next);
        Assert.InRange(next.TranslatedInstructions, 0, translated / 4);
        Assert.InRange(loaded, translated / 2, long.MaxValue);
    }

    /// <summary>Boots and runs the script; returns how many instructions were taken from the store for it.</summary>
    private static long RunScript(TranslatorEngines engines)
    {
        long before = engines.LoadedInstructions;
        using var done = new SemaphoreSlim(0);
        using MachineRunner runner = Build(engines, "debian", 1, "auto", "script", Hear("script: done", done));
        runner.Start();
        Assert.True(runner.Wait(LongestMs));
        Assert.Equal((0, "powered off"), (runner.Results()[0].ExitCode, runner.Results()[0].Message));
        Assert.True(done.Wait(0, TestContext.Current.CancellationToken));
        return engines.LoadedInstructions - before;
    }

    private static SerialOutput Hear(string words, SemaphoreSlim heard)
    {
        var output = new StringBuilder();
        return data =>
        {
            string before = output.ToString();
            output.Append(Encoding.UTF8.GetString(data));
            if (!before.Contains(words, StringComparison.Ordinal) && output.ToString().Contains(words, StringComparison.Ordinal))
            {
                heard.Release();
            }
        };
    }

    private static MachineRunner Build(TranslatorEngines engines, string recipe, int vcpus, string cpu, string task, SerialOutput serial)
    {
        GuestImage image = new ImageStore().Resolve(recipe, update: false, static _ => { });
        var domain = new DomainRequest
        {
            Name = recipe,
            KernelPath = image.KernelPath,
            InitrdPath = image.InitrdPath,
            Vcpus = vcpus,
            CpuModel = cpu,
            CommandLine = $"bulkhead.task={task} bulkhead.seconds=1000",
            Serial = serial,
        };
        return MachineRunner.Build(new MachineRequest { Domains = [domain] }, engines.Seam);
    }
}
