using Bulkhead.X86.Engine;

namespace Bulkhead.Machine.Tests.Workers;

/// <summary>A vCPU that is only placed, never run.</summary>
internal sealed class IdleVcpu : FakeVcpu
{
    public override StopReason Run(ICpuIo io, long untilNs) => StopReason.Halt;
}
