using System.Text;
using Bulkhead.Images;
using Bulkhead.Machine.Domains;
using Bulkhead.X86.Engine;
using Bulkhead.X86.State;

namespace Bulkhead.Machine.Tests.Repeat;

/// <summary>A boot on a clock made of instructions, looked at every so many of them.</summary>
internal sealed class CountedBoot
{
    private readonly GuestImage _image = new ImageStore().Resolve("debian", update: false, static _ => { });
    private readonly string _append;
    private readonly string _settings;
    private readonly string? _codeDirectory;

    internal CountedBoot(string append, string settings, string? codeDirectory = null)
    {
        _codeDirectory = codeDirectory;
        _append = append;
        _settings = settings;
    }

    /// <summary>Guest instructions the last run translated.</summary>
    internal long Translated { get; private set; }

    /// <summary>Those whose translations it took from the store.</summary>
    internal long Loaded { get; private set; }

    /// <summary>What tells it from another.</summary>
    public override string ToString() => $"'{_append}' with '{_settings}'";

    /// <summary>Runs from power-up; <paramref name="look"/> gets the count and the vCPU, first at <paramref name="first"/>, and says
    /// whether to go on.</summary>
    /// <returns>What the guest printed, and a hash of its RAM at the end.</returns>
    internal (string Output, ulong Memory) Run(ulong first, ulong every, Func<ulong, ICountingVcpu, bool> look)
    {
        var output = new StringBuilder();
        using TranslatorEngines engines = TranslatorEngines.Create($"{_settings},{TranslatorEngines.Counting}", _codeDirectory);
        var domain = new DomainRequest
        {
            Name = "counted",
            KernelPath = _image.KernelPath,
            InitrdPath = _image.InitrdPath,
            CommandLine = _append,
            MemoryBytes = 128 << 20,
            Serial = data => output.Append(Encoding.UTF8.GetString(data)),
        };
        using MachineRunner runner = MachineRunner.Build(new MachineRequest { Domains = [domain], InstructionClock = true }, engines.Seam);
        ulong at = first;
        runner.Counted!.Observer = (first, every, vcpu =>
        {
            if (!look(at, vcpu))
            {
                runner.Stop(1, "seen enough");
            }

            at += every;
        });
        runner.Start();
        if (!runner.Wait(300_000))
        {
            runner.Stop(1, "too long");
            _ = runner.Wait();
            throw new TimeoutException(output.ToString());
        }

        (Translated, Loaded) = (engines.TranslatedInstructions, engines.LoadedInstructions);
        return (output.ToString(), DomainHash.Of(runner.Domains[0].Memory!, StateHash.Of([])));
    }
}
