using Bulkhead.Scheduling;

namespace Bulkhead.Machine.Workers;

/// <summary>A policy whose vCPUs may be on any CPU of the pool, and go from one to another with what they are owed.</summary>
/// <remarks><i>Threading</i>: the worker's thread.</remarks>
internal interface IMovingPolicy
{
    /// <summary>Makes room for so many vCPUs, so that <see cref="Attach"/> does not have to.</summary>
    void Reserve(int vcpus);

    /// <summary>Takes one out that is not running.</summary>
    BvtMigrant Detach(int entry);

    /// <summary>Takes one in that another such policy let go, runnable where it was; the number names it here.</summary>
    int Attach(in BvtMigrant migrant);
}
