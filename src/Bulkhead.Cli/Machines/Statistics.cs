using System.Globalization;
using Bulkhead.Machine;
using Bulkhead.Machine.Domains;

namespace Bulkhead.Cli.Machines;

/// <summary>The table of <c>--stats</c>.</summary>
internal static class Statistics
{
    internal static void Write(TextWriter writer, MachineRunner runner, TranslatorEngines engines)
    {
        foreach (Domain domain in runner.Domains)
        {
            foreach (VcpuSlot vcpu in domain.Vcpus.Where(static v => v.Turns > 0))
            {
                writer.WriteLine($"{domain.Name} vCPU {vcpu.Index}: ran {vcpu.RanNs / 1e9:F3} s in {vcpu.Turns} turns{(vcpu.Moves == 0 ? string.Empty : $", moved {vcpu.Moves} times")}");
                WriteShares(writer, vcpu.ActivityTable());
                writer.WriteLine("exits:");
                WriteCounts(writer, vcpu.ExitTable());
                writer.WriteLine("interpreted:");
                WriteCounts(writer, vcpu.InterpretedTable());
            }

            if (runner.Sockets(domain) is { Count: > 0 } sockets)
            {
                writer.WriteLine("sockets:");
                WriteCounts(writer, sockets);
            }
        }

        writer.WriteLine($"translated: {engines.TranslatedInstructions} instructions in {engines.TranslationNs / 1e6:F1} ms, {engines.CodeBytes} bytes held");
        writer.WriteLine($"from the code store: {engines.LoadedInstructions} instructions{(engines.StoreTrouble is { } why ? $"; it could not be written: {why}" : string.Empty)}");
    }

    private static void WriteShares(TextWriter writer, IReadOnlyList<(string Activity, double Share)> shares)
    {
        foreach ((string activity, double share) in shares)
        {
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {activity,-18} {share,11:P1}"));
        }
    }

    private static void WriteCounts(TextWriter writer, IReadOnlyList<(string Name, long Count)> counts)
    {
        foreach ((string name, long count) in counts)
        {
            writer.WriteLine($"  {name,-18} {count,12}");
        }
    }
}
