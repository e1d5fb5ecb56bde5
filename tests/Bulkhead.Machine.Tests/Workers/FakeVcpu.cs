using Bulkhead.X86.Engine;
using Bulkhead.X86.State;

namespace Bulkhead.Machine.Tests.Workers;

/// <summary>A vCPU without an engine: what it does with its turns, and with what it is asked, is its test's matter.</summary>
internal abstract class FakeVcpu : IVcpu
{
    private Registers _registers;

    public ref Registers Registers => ref _registers;

    public ExitCounters Exits { get; } = new();

    public string? StopDetail => null;

    public long EnteredNs { get; set; }

    public long LeftNs { get; set; }

    public nint TurnCell => 0;

    public abstract StopReason Run(ICpuIo io, long untilNs);

    public virtual void EndTurn()
    {
    }

    public virtual void Kick()
    {
    }

    public void Reset()
    {
    }

    public void Nmi()
    {
    }

    public void Init()
    {
    }

    public void StartUp(byte vector)
    {
    }

    public void Dispose()
    {
    }
}
