using Bulkhead.X86.Engine;
using Bulkhead.X86.State;

namespace Bulkhead.Machine.Tests.Faults;

/// <summary>An engine that fails when told to.</summary>
internal sealed class FailingVcpu(ICountingVcpu inner) : ICountingVcpu
{
    internal const string Words = "the engine of this test has a bug";

    private string? _detail;

    public ref Registers Registers => ref inner.Registers;

    public ExitCounters Exits => inner.Exits;

    public VcpuProfile? Profile => inner.Profile;

    public string? StopDetail => _detail ?? inner.StopDetail;

    public nint TurnCell => inner.TurnCell;

    public ulong Instructions => inner.Instructions;

    public ulong InstructionLimit
    {
        get => inner.InstructionLimit;
        set => inner.InstructionLimit = value;
    }

    /// <summary>In so many turns it fails; 0: never.</summary>
    internal int FailsIn { get; set; }

    /// <summary>Whether it throws rather than return.</summary>
    internal bool Throws { get; set; }

    public StopReason Run(ICpuIo io, long untilNs)
    {
        if (FailsIn > 0 && --FailsIn == 0)
        {
            _detail = Words;
            return Throws ? throw new InvalidOperationException(Words) : StopReason.EngineError;
        }

        return inner.Run(io, untilNs);
    }

    public void EndTurn() => inner.EndTurn();

    public void Reset() => inner.Reset();

    public void Kick() => inner.Kick();

    public void Nmi() => inner.Nmi();

    public void Init() => inner.Init();

    public void StartUp(byte vector) => inner.StartUp(vector);

    public void Dispose() => inner.Dispose();
}
