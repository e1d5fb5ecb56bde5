namespace Bulkhead.Machine.Domains;

/// <summary>How a domain ended.</summary>
/// <remarks>Exit codes: 0 power-off, 10 panic, 12 triple fault, 14 reset loop, 16 unsupported, 18 engine fault, 20 halted for good, 22 hung; 1 the host.</remarks>
public sealed record DomainResult(string Name, int ExitCode, string Message);
