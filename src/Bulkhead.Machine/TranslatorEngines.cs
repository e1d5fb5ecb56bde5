using Bulkhead.Core.Memory;
using Bulkhead.Host;
using Bulkhead.Machine.Configuration;
using Bulkhead.Translator;
using Bulkhead.Translator.Store;
using Bulkhead.X86.Cpuid;
using Bulkhead.X86.Engine;

namespace Bulkhead.Machine;

/// <summary>The translator behind the machine's engine seam: one engine a domain.</summary>
/// <remarks>The creator disposes it after the machine. <i>Threading</i>: any.</remarks>
public sealed class TranslatorEngines : IDisposable
{
    private readonly EngineOptions _options;
    private readonly Lock _lock = new();
    private readonly Dictionary<GuestMemory, TranslatorEngine> _engines = [];
    private readonly CodeStores? _stores;
    private long _goneLoaded;
    private long _goneInstructions;
    private long _goneNs;

    /// <summary>The option that makes <see cref="MachineRequest.InstructionClock"/> possible.</summary>
    public const string Counting = "count=on";

    /// <summary>The option that has vCPUs keep a profile.</summary>
    public const string Sampling = "sample=on";

    /// <summary>The options for domains that share the process with others: a window's mappings interrupt every CPU of the process.</summary>
    public const string AmongOthers = "page-windows=off";

    /// <summary>The options for the domains of a system file.</summary>
    public static string OptionsFor(SystemConfig system)
    {
        ArgumentNullException.ThrowIfNull(system);
        return system.IsVirtual ? $"{AmongOthers},{Counting}" : AmongOthers;
    }

    private TranslatorEngines(EngineOptions options, CodeStores? stores)
    {
        _options = options;
        _stores = stores;
    }

    /// <summary>Engines with options as text (see <see cref="EngineOptions.TryParse"/>); empty for the defaults.</summary>
    /// <param name="options">The text.</param>
    /// <param name="codeDirectory">Where translations are kept; null: nowhere.</param>
    public static TranslatorEngines Create(string options, string? codeDirectory = null)
    {
        string? wrong = EngineOptions.TryParse(options, out EngineOptions parsed);
        CodeStores? stores = codeDirectory is not null && parsed.CodeStore ? new CodeStores(codeDirectory) : null;
        return wrong is null ? new TranslatorEngines(parsed, stores) : throw new OperatorException($"--engine-options: {wrong}", 2);
    }

    /// <summary>The seam.</summary>
    public EngineSeam Seam => new(
        CreateVcpu, TranslatorEngine.ReadTsc, TranslatorEngine.TurnEndHandler, _options.Sample ? TranslatorEngine.SampleHandler : 0, Release, ChanceOf);

    /// <summary>How many there are now: one for each domain that has RAM.</summary>
    internal int Count
    {
        get
        {
            lock (_lock)
            {
                return _engines.Count;
            }
        }
    }

    /// <summary>Guest instructions translated so far, over all domains.</summary>
    public long TranslatedInstructions => _goneInstructions + Sum(static e => e.TranslatedInstructions);

    /// <summary>Guest instructions whose translations were kept, and used again, over all domains.</summary>
    public long LoadedInstructions => _goneLoaded + Sum(static e => e.LoadedInstructions);

    /// <summary>Why translations could not be kept, or null.</summary>
    public string? StoreTrouble => _stores?.Trouble;

    /// <summary>Nanoseconds of translation so far, over all domains; with <see cref="Sampling"/>.</summary>
    public long TranslationNs => _goneNs + Sum(static e => e.TranslationNs);

    /// <summary>Bytes of translated code held now, over all domains.</summary>
    public long CodeBytes => Sum(static e => e.CodeBytes);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (TranslatorEngine engine in _engines.Values)
        {
            engine.Dispose();
        }

        _engines.Clear();
        _stores?.Dispose();
    }

    private IVcpu CreateVcpu(VcpuRequest request)
    {
        var cpuid = CpuidPolicy.Create(ModelOf(request.CpuModel), request.Count, request.Index, request.Clock.TscHz, repeatable: _options.CountInstructions, physicalBits: request.PhysicalBits);
        if (Find(request.Memory) is not { } engine)
        {
            CodeStore? store = request.Image is null ? null : _stores?.For(request.Image, cpuid, _options);
            engine = new TranslatorEngine(request.Memory, cpuid, _options, store);
            lock (_lock)
            {
                _engines.Add(request.Memory, engine);
            }
        }

        return engine.CreateVcpu(cpuid);
    }

    private void Release(GuestMemory memory)
    {
        TranslatorEngine? engine;
        lock (_lock)
        {
            if (!_engines.Remove(memory, out engine))
            {
                return;
            }

            _goneInstructions += engine.TranslatedInstructions;
            _goneNs += engine.TranslationNs;
            _goneLoaded += engine.LoadedInstructions;
        }

        engine.Dispose();
    }

    private ulong? ChanceOf(GuestMemory memory) => Find(memory)?.Chance;

    private TranslatorEngine? Find(GuestMemory memory)
    {
        lock (_lock)
        {
            return _engines.GetValueOrDefault(memory);
        }
    }

    private long Sum(Func<TranslatorEngine, long> value)
    {
        lock (_lock)
        {
            return _engines.Values.Sum(value);
        }
    }

    private static CpuModel ModelOf(string name) => name switch
    {
        "auto" => CpuModel.Default,
        "host" => CpuModel.Host,
        "x86-64-v2" => CpuModel.V2,
        "x86-64-v3" => CpuModel.V3,
        _ => throw new OperatorException($"No CPU model is called '{name}'; there are host, x86-64-v2 and x86-64-v3.", 2),
    };
}
