using Bulkhead.Core.Memory;

namespace Bulkhead.X86.Memory;

/// <summary>The outcome of a page walk that succeeded.</summary>
/// <remarks><see cref="Address"/> is the physical address of the very byte asked for. <see cref="Writable"/> says that a
/// write with the same rights would pass without changing the tables (W, D, CR0.WP considered). <see cref="PageShift"/>
/// is 12, 21, 22 or 30.</remarks>
public readonly record struct Translation(Gpa Address, int PageShift, bool Writable, bool Global);
