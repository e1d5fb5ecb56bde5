namespace Bulkhead.Tools.Bench;

/// <summary>What ends a run, said to the user.</summary>
internal sealed class BenchException(string message) : Exception(message);
