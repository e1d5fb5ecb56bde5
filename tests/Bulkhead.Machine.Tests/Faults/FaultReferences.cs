namespace Bulkhead.Machine.Tests.Faults;

/// <summary>How it is without a fault: a victim's state at the end, and the lives of each work. Each machine runs once.</summary>
public sealed class FaultReferences
{
    private readonly Dictionary<Work, (Life[] Lives, ulong Victim)> _known = [];

    /// <summary>The longest start again so far.</summary>
    internal TimeSpan LongestRestart { get; set; }

    internal (Life[] Lives, ulong Victim) Of(Work work)
    {
        if (!_known.TryGetValue(work, out (Life[] Lives, ulong Victim) found))
        {
            using var machine = new FaultMachine(work, null);
            machine.Run();
            found = ([.. machine.Lives], FaultChecks.VictimHash(machine));
            _known.Add(work, found);
        }

        return found;
    }
}
