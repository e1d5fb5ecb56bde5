using System.Runtime.Intrinsics.X86;
using Bulkhead.Core.Memory;
using Bulkhead.Host;
using Bulkhead.Translator.Cache;
using Bulkhead.Translator.Emit;
using Bulkhead.X86.Cpuid;
using Bulkhead.X86.Engine;

namespace Bulkhead.Translator;

/// <summary>The translator for one domain: its code cache and its vCPUs.</summary>
/// <remarks>The creator disposes it after the last vCPU stopped; it disposes the vCPUs.</remarks>
public sealed class TranslatorEngine : IDisposable
{
    private readonly CodeSpace _space;
    private readonly EngineOptions _options;
    private readonly List<TranslatorVcpu> _vcpus = [];

    /// <summary>Creates the engine over a domain's RAM. <paramref name="features"/>: the instructions its vCPUs offer.</summary>
    /// <exception cref="OperatorException">The host's processor lacks what emitted code is made of.</exception>
    public TranslatorEngine(GuestMemory memory, CpuidPolicy features, EngineOptions options)
    {
        const int Avx = 1 << 28; // of leaf 1's ECX
        const int Bmi2 = 1 << 8; // of leaf 7's EBX
        if ((X86Base.CpuId(1, 0).Ecx & Avx) == 0 || (X86Base.CpuId(7, 0).Ebx & Bmi2) == 0)
        {
            throw new OperatorException("this processor has no AVX or no BMI2, which the engine's code is made of: it needs an Intel Haswell (2013), an AMD Excavator (2015) or a later one.");
        }

        _options = options;
        _space = new CodeSpace(memory, options, features.Offers);
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
