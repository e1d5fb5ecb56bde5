using System.Runtime.Intrinsics.X86;
using Bulkhead.Core.Memory;
using Bulkhead.Host;
using Bulkhead.Translator.Cache;
using Bulkhead.Translator.Emit;
using Bulkhead.Translator.Store;
using Bulkhead.X86.Cpuid;
using Bulkhead.X86.Engine;
using Bulkhead.X86.Instructions;

namespace Bulkhead.Translator;

/// <summary>The translator for one domain: its code cache and its vCPUs.</summary>
/// <remarks>The creator disposes it after the last vCPU stopped; it disposes the vCPUs.</remarks>
public sealed class TranslatorEngine : IDisposable
{
    private readonly CodeSpace _space;
    private readonly EngineOptions _options;
    private readonly List<TranslatorVcpu> _vcpus = [];

    /// <summary>Creates the engine over a domain's RAM.</summary>
    /// <param name="memory">The RAM.</param>
    /// <param name="features">The instructions its vCPUs offer.</param>
    /// <param name="options">The options.</param>
    /// <param name="store">Translations that are kept, of the same features and options; null for none. It outlives the engine.</param>
    /// <exception cref="OperatorException">The host's processor lacks what emitted code is made of.</exception>
    public TranslatorEngine(GuestMemory memory, CpuidPolicy features, EngineOptions options, CodeStore? store = null)
    {
        const int Avx = 1 << 28; // of leaf 1's ECX
        const int Bmi2 = 1 << 8; // of leaf 7's EBX
        if ((X86Base.CpuId(1, 0).Ecx & Avx) == 0 || (X86Base.CpuId(7, 0).Ebx & Bmi2) == 0)
        {
            throw new OperatorException("this processor has no AVX or no BMI2, which the engine's code is made of: it needs an Intel Haswell (2013), an AMD Excavator (2015) or a later one.");
        }

        _options = options;
        Chance = store?.Chance;
        _space = new CodeSpace(memory, options, features.Offers, store);
    }

    /// <summary>What translations depend on besides guest bytes and modes: this build, the processor the guest is offered, the options.</summary>
    public static string IdentityOf(CpuidPolicy features, EngineOptions options)
    {
        ArgumentNullException.ThrowIfNull(features);
        ArgumentNullException.ThrowIfNull(options);
        string offered = string.Concat(Enum.GetValues<CpuFeature>().Select(f => features.Offers(f) ? '1' : '0'));
        return $"{IdOf<TranslatorEngine>()} {IdOf<CpuFeature>()} {IdOf<Iced.Intel.Decoder>()} {offered} {options.ForEmission()}";

        static Guid IdOf<T>() => typeof(T).Module.ModuleVersionId;
    }

    /// <summary>A native signal handler that ends a turn: the signal's value points to a word that holds a vCPU's
    /// <see cref="IVcpu.TurnCell"/>, or 0.</summary>
    public static nint TurnEndHandler => TrapHandler.TurnEnd;

    /// <summary>The same, for a handler that notes what the vCPU does; it must have been created with <see cref="EngineOptions.Sample"/>.</summary>
    public static nint SampleHandler => TrapHandler.Sample;

    /// <summary>Nanoseconds of translation so far, where samples are taken.</summary>
    public long TranslationNs => _space.TranslationNs;

    /// <summary>Guest instructions translated so far.</summary>
    public long TranslatedInstructions => _space.TranslatedInstructions;

    /// <summary>The store's number for what is placed at random (<see cref="CodeStore.Chance"/>); null without one.</summary>
    public ulong? Chance { get; }

    /// <summary>Guest instructions taken from the store so far, whose translations were kept.</summary>
    public long LoadedInstructions => _space.LoadedInstructions;

    /// <summary>Bytes of translated code held now.</summary>
    public int CodeBytes => _space.CodeBytes;

    /// <summary>Adds a vCPU.</summary>
    public IVcpu CreateVcpu(CpuidPolicy cpuid)
    {
        TranslatorVcpu vcpu = new(_space, cpuid, _options);
        _vcpus.Add(vcpu);
        return vcpu;
    }

    /// <summary>Reads the host's TSC.</summary>
    public static ulong ReadTsc() => TrapHandler.ReadTsc();

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (TranslatorVcpu vcpu in _vcpus)
        {
            vcpu.Dispose();
        }

        _space.Dispose();
    }
}
