using System.Text;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Tests.Boot;
using Bulkhead.Machine.Tracing;
using Bulkhead.Machine.Workers;
using Iced.Intel;

namespace Bulkhead.Machine.Tests.Guests;

/// <summary>Guests of a few instructions on the real engine, entered in flat 32-bit mode at 16 MiB.</summary>
internal sealed class TinyMachine : IDisposable
{
    // Only a test that fails waits this long.
    private const int LongestMs = 120_000;

    private readonly List<string> _files = [];
    private readonly List<DomainRequest> _domains = [];
    private readonly List<StringBuilder> _output = [];
    private TranslatorEngines? _engines;
    private MachineRunner? _runner;

    internal MachineRunner Runner => _runner ??= Build();

    /// <summary>The engine's settings.</summary>
    internal string EngineOptions { get; init; } = string.Empty;

    /// <summary>Changes what is asked for.</summary>
    internal Func<MachineRequest, MachineRequest>? Adjust { get; init; }

    /// <summary>Where they are traced.</summary>
    internal TraceFile? Trace { get; init; }

    /// <summary>Where all of them run; one CPU, so that they share a worker.</summary>
    internal PoolRequest Pool { get; } = new() { Cpus = [Bulkhead.Host.Threads.HostThread.AllowedCpus()[^1]] };

    /// <summary>Adds a domain before the machine is built.</summary>
    internal void Add(Action<Assembler> code, int vcpus = 1, Share? share = null)
    {
        var assembler = new Assembler(32);
        code(assembler);
        using var bytes = new MemoryStream();
        _ = assembler.Assemble(new StreamCodeWriter(bytes), 0x100_0000);
        Add(SyntheticKernel.Pvh(bytes.ToArray()), static d => d, vcpus, share);
    }

    /// <summary>Adds a domain with a kernel file of any kind.</summary>
    internal void Add(byte[] kernel, Func<DomainRequest, DomainRequest> adjust, int vcpus = 1, Share? share = null)
    {
        var output = new StringBuilder();
        _output.Add(output);
        _domains.Add(adjust(new DomainRequest
        {
            Name = $"tiny{_domains.Count}",
            KernelPath = TemporaryFile(kernel),
            MemoryBytes = 64 << 20,
            Vcpus = vcpus,
            DebugExit = true,
            Share = share ?? new Share(),
            Serial = data => output.Append(Encoding.UTF8.GetString(data)),
        }));
    }

    /// <summary>A file that is there until the machine is disposed.</summary>
    internal string TemporaryFile(byte[] content)
    {
        string path = Path.GetTempFileName();
        File.WriteAllBytes(path, content);
        _files.Add(path);
        return path;
    }

    /// <summary>Runs to the end of all of them.</summary>
    internal IReadOnlyList<DomainResult> Run()
    {
        Runner.Start();
        return End();
    }

    /// <summary>Waits for the end of all of them.</summary>
    internal IReadOnlyList<DomainResult> End()
    {
        if (!Runner.Wait(LongestMs))
        {
            Runner.Stop(-1, "too long");
            _ = Runner.Wait();
        }

        return Runner.Results();
    }

    /// <summary>What a domain printed; after its end.</summary>
    internal string Output(int domain) => _output[domain].ToString();

    public void Dispose()
    {
        _runner?.Dispose();
        _engines?.Dispose();
        _files.ForEach(File.Delete);
    }

    private MachineRunner Build()
    {
        _engines = TranslatorEngines.Create(EngineOptions);
        var request = new MachineRequest { Domains = _domains, Pools = [Pool], Trace = Trace };
        return MachineRunner.Build(Adjust?.Invoke(request) ?? request, _engines.Seam);
    }
}
