using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Machine.Tests.Hostile;

/// <summary>A guest that must answer in time, and one that computes.</summary>
internal static class Victim
{
    /// <summary>How often its timer comes.</summary>
    internal const uint PeriodNs = 130_000;

    /// <summary>Sleeps, and works a little each time its timer comes.</summary>
    internal static void Answer(Assembler c)
    {
        c.Begin();
        c.Handle(HostileCode.TimerVector, static h => h.Work(200));
        c.Periodic(PeriodNs);
        c.sti();
        c.Forever(static l => l.hlt());
    }

    /// <summary>Takes all it can get.</summary>
    internal static void Compute(Assembler c) => c.Forever(static l => l.add(eax, 1));
}
