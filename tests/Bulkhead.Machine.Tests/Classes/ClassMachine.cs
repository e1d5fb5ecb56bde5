using Bulkhead.Machine.Configuration;
using Bulkhead.Machine.Devices;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Tests.Guests;
using Bulkhead.Machine.Workers;
using Iced.Intel;
using Xunit;

namespace Bulkhead.Machine.Tests.Classes;

/// <summary>Tiny guests with classes on one CPU in virtual time, and who was chosen when.</summary>
internal sealed class ClassMachine : IDisposable
{
    internal const string Pool = "p";

    private readonly TinyMachine _machine;
    private readonly List<DomainConfig> _domains = [];
    private readonly PoolConfig _pool;

    internal ClassMachine(SchedulingPolicy policy, long allowanceNs, long endNs)
    {
        _pool = new PoolConfig(Pool, [CpuSelector.LastAllowed], policy, allowanceNs);
        _machine = new TinyMachine
        {
            EngineOptions = TranslatorEngines.Counting,
            Adjust = r => r with { InstructionClock = true, EndAtNs = endNs, Channels = Channels, Pools = [new PoolRequest { Policy = policy, AllowanceNs = allowanceNs }] },
        };
    }

    /// <summary>The same as a system file would have it.</summary>
    internal SystemConfig System => new("test", [_pool], _domains);

    /// <summary>What its domains share.</summary>
    internal IReadOnlyList<ChannelRequest> Channels { get; init; } = [];

    internal MachineRunner Runner => _machine.Runner;

    /// <summary>Adds a domain; its name and pool are set here.</summary>
    internal void Add(Action<Assembler> code, DomainConfig domain)
    {
        domain = domain with { Name = $"tiny{_domains.Count}" };
        _domains.Add(domain);
        _machine.Add(code, domain.Vcpus, domain.Share);
    }

    /// <summary>Who was chosen when; runs to the end of the time.</summary>
    internal List<(long NowNs, int Domain)> Run()
    {
        var chosen = new List<(long, int)>();
        Run((now, entry) => chosen.Add((now, entry)));
        return chosen;
    }

    /// <summary>The same, with each choice told on the worker's thread.</summary>
    internal void Run(Action<long, int> onChoice)
    {
        VirtualCpus cpus = Runner.Virtual ?? throw new InvalidOperationException("The clock is made of instructions.");
        cpus.Chosen = (nowNs, _, entry) => onChoice(nowNs, entry);
        foreach (DomainResult result in _machine.Run())
        {
            Assert.Equal("stopped at the virtual time asked for", result.Message);
        }
    }

    internal string Output(int domain) => _machine.Output(domain);

    public void Dispose() => _machine.Dispose();
}
