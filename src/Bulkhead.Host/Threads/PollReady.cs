namespace Bulkhead.Host.Threads;

/// <summary>A descriptor of a <see cref="PollSet"/> of which there is news.</summary>
/// <param name="Key">By what it was added.</param>
/// <param name="Events">What there is.</param>
public readonly record struct PollReady(ulong Key, PollEvents Events);
