namespace Bulkhead.Machine.Domains;

/// <summary>Who runs a vCPU, as the vCPU sees it.</summary>
/// <remarks><i>Threading</i>: any thread; takes no lock.</remarks>
internal interface IVcpuWorker
{
    /// <summary>Its time.</summary>
    long NowNs { get; }

    /// <summary>The same as its policy and the classes of vCPUs count it: where several CPUs take turns, the CPU's own.</summary>
    long CpuNowNs => NowNs;

    /// <summary>Something changed for <paramref name="slot"/> (null: for anyone): wake up, or end another's turn.</summary>
    void Poke(VcpuSlot? slot);

    /// <summary>A deadline of a vCPU placed here moved forward.</summary>
    void OnEarlierDeadline(VcpuSlot slot);
}
