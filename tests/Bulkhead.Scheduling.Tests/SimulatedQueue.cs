using Bulkhead.Scheduling.Arinc653;
using Bulkhead.Scheduling.Edf;
using Bulkhead.Scheduling.FixedPriority;

namespace Bulkhead.Scheduling.Tests;

/// <summary>What a simulation needs of a queue, whatever its policy.</summary>
internal sealed record SimulatedQueue(
    Func<long, QueuePick> Pick, Action<long, long> Charge, Action<int> Wake, Action<int> Block)
{
    /// <summary>Puts the vCPU of a slot into a class, 0 for none.</summary>
    public Action<int, int> Enter { get; init; } = static (_, _) => { };

    public static SimulatedQueue Of(BvtQueue queue) =>
        new(queue.Pick, queue.Charge, queue.Wake, slot => queue.Block(slot, BlockKind.Voluntary));

    public static SimulatedQueue Of(EdfQueue queue) => new(queue.Pick, queue.Charge, queue.Wake, queue.Block);

    public static SimulatedQueue Of(PartitionQueue queue) => new(queue.Pick, queue.Charge, queue.Wake, queue.Block);

    public static SimulatedQueue Of(FixedPriorityQueue queue) =>
        new(_ => queue.Pick(), (ran, _) => queue.Charge(ran), queue.Wake, queue.Block);
}
