namespace Bulkhead.Scheduling.Balance;

/// <summary>What a <see cref="PoolBalancer"/> is told of one vCPU.</summary>
public record struct VcpuLoad
{
    /// <summary>Its weight, at least 1.</summary>
    public int Weight { get; set; }

    /// <summary>A number that vCPUs of one domain share.</summary>
    public int Domain { get; set; }

    /// <summary>The CPU it is on, counted from 0 in its pool.</summary>
    public int Cpu { get; set; }

    /// <summary>How long it ran since the last look.</summary>
    public long RanNs { get; set; }

    /// <summary>Whether it wants to run.</summary>
    public bool Runnable { get; set; }

    /// <summary>Whether it slept since the last look.</summary>
    public bool Slept { get; set; }

    /// <summary>Whether it may be moved now.</summary>
    public bool Movable { get; set; }
}
