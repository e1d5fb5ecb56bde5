namespace Bulkhead.Tools.Bench.Runners;

/// <summary>Measures by the guest program on the host and in both guests, which stay while it takes one workload after the other.</summary>
internal sealed class ServedRunner : IRunner
{
    public IReadOnlyList<Row> Run(WorkloadClass workloadClass, IReadOnlyList<Workload> workloads, Session session)
    {
        int cpus = workloadClass.Cpus;
        string words = $"quiet rdinit={GuestArchive.Init}";
        string[] native = [session.GuestProgram, "serve"];
        string[] machine = ["--kernel", session.Kernel, "--initrd", session.Initrd, "--memory", "1G", "--cpus", $"{cpus}", "--append", words];
        string[]? tcg = session.Qemu("-m", "1G", "-smp", $"{cpus}", "-kernel", session.Kernel, "-initrd", session.Initrd,
            "-append", $"console=ttyS0 panic=-1 {words}");

        using var host = new GuestConsole(session.Data, cpus == 1 ? ["taskset", "-c", $"{Environment.ProcessorCount - 1}", .. native] : native);
        using var bulkhead = new GuestConsole(session.Root, session.Bulkhead(machine));
        using GuestConsole? qemu = tcg is null ? null : new GuestConsole(session.Root, tcg);
        var rows = new List<Row>();
        foreach (Workload w in workloads)
        {
            rows.Add(new Row(w, Try(host), Try(bulkhead), qemu is null ? null : Try(qemu)));
            workloadClass.Say(rows[^1]);

            Measurement? Try(GuestConsole console)
            {
                try
                {
                    return console.Run(w, session.Repetitions);
                }
                catch (BenchException e)
                {
                    Console.Error.WriteLine($"{w.Name}: {e.Message}");
                    return null;
                }
            }
        }

        return rows;
    }
}
