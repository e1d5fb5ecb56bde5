namespace Bulkhead.Machine.Admission;

/// <summary>What moves between the CPUs of a pool, as far as one vCPU's wait is concerned.</summary>
internal enum Mobility
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Others come and go.</summary>
    Others,

    /// <summary>It moves itself.</summary>
    Itself,
}
