namespace Bulkhead.Tools.Bench.Runners;

/// <summary>Measures by whole runs of a command, on Bulkhead and on QEMU by turns; there is nothing like it on the host.</summary>
internal sealed class TurnsRunner(Func<IReadOnlyList<Workload>, Session, IEnumerable<Trial>> trials) : IRunner
{
    public IReadOnlyList<Row> Run(WorkloadClass workloadClass, IReadOnlyList<Workload> workloads, Session session)
    {
        var bulkhead = new List<Sample>();
        var qemu = new List<Sample>();
        foreach (Trial trial in trials(workloads, session))
        {
            for (int i = 0; i < session.Repetitions; i++)
            {
                Take(trial.Bulkhead, bulkhead);
                Take(trial.Qemu, qemu);
            }

            void Take(IReadOnlyList<string>? command, List<Sample> samples)
            {
                try
                {
                    samples.AddRange(command is null ? [] : trial.Observe(command));
                }
                catch (BenchException e)
                {
                    Console.Error.WriteLine($"{workloadClass.Name}: {e.Message}");
                }
            }
        }

        Row[] rows = [.. workloads.Select(w => new Row(w, null, Measurement.Of(bulkhead.Where(s => s.Name == w.Name)), Measurement.Of(qemu.Where(s => s.Name == w.Name))))];
        Array.ForEach(rows, workloadClass.Say);
        return rows;
    }
}
