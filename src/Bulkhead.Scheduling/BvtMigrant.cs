using System.Diagnostics.CodeAnalysis;

namespace Bulkhead.Scheduling;

/// <summary>What a vCPU carries from one pCPU's queue to another's: its virtual time relative to the queue's.</summary>
[SuppressMessage("Performance", "CA1815", Justification = "Handed over once, never compared.")]
public readonly struct BvtMigrant
{
    internal BvtMigrant(in BvtEntry entry, Int128 lag)
    {
        Entry = entry;
        Lag = lag;
    }

    internal BvtEntry Entry { get; }

    /// <summary>A - SVT of the queue it left, scaled.</summary>
    internal Int128 Lag { get; }
}
