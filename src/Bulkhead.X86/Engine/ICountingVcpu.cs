namespace Bulkhead.X86.Engine;

/// <summary>A vCPU that counts instructions, so that a clock can be made of them.</summary>
/// <remarks><i>Threading</i>: that of <see cref="IVcpu.Run"/>; both may be used from inside it, by what it calls.</remarks>
public interface ICountingVcpu : IVcpu
{
    /// <summary>Instructions completed, the one in progress included.</summary>
    ulong Instructions { get; }

    /// <summary>At this count <see cref="IVcpu.Run"/> ends with <see cref="StopReason.Budget"/>, exactly.</summary>
    ulong InstructionLimit { get; set; }
}
