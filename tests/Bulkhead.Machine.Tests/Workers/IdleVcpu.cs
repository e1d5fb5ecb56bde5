using Bulkhead.X86.Engine;
using Bulkhead.X86.State;

namespace Bulkhead.Machine.Tests.Workers;

/// <summary>A vCPU that is only placed, never run.</summary>
internal sealed class IdleVcpu : IVcpu
{
    private Registers _registers;

    public ref Registers Registers => ref _registers;

    public ExitCounters Exits { get; } = new();

    public string? StopDetail => null;

    public long EnteredNs { get; set; }

    public long LeftNs { get; set; }

    public nint TurnCell => 0;

    public StopReason Run(ICpuIo io, long untilNs) => StopReason.Halt;

    public void EndTurn()
    {
    }

    public void Reset()
    {
    }

    public void Kick()
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
