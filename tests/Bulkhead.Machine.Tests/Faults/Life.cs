using Bulkhead.Machine.Domains;

namespace Bulkhead.Machine.Tests.Faults;

/// <summary>A life of the faulty domain, from its start to its end.</summary>
/// <param name="Result">How it ended.</param>
/// <param name="Hash">Of its registers and memory at the end.</param>
/// <param name="Instructions">How many its vCPUs executed.</param>
internal sealed record Life(DomainResult Result, ulong Hash, ulong Instructions);
