using Bulkhead.Scheduling.Classes;

namespace Bulkhead.Scheduling;

/// <summary>A class under Borrowed Virtual Time: a warp that the vCPU has in place of its own while it is in it.</summary>
/// <param name="WarpNs">W, in virtual nanoseconds; no limit of its own, the class's budget is one.</param>
/// <param name="Rule">When it is in it.</param>
public readonly record struct BvtClass(long WarpNs, ClassRule Rule);
