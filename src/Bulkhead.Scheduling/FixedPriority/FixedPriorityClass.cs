using Bulkhead.Scheduling.Classes;

namespace Bulkhead.Scheduling.FixedPriority;

/// <summary>A class under fixed priorities: a priority that the vCPU has in place of its own while it is in it.</summary>
/// <param name="Priority">0 to <see cref="FixedPriorityQueue.MaxPriority"/>.</param>
/// <param name="Rule">When it is in it, and for how long.</param>
public readonly record struct FixedPriorityClass(int Priority, ClassRule Rule);
