using Bulkhead.Core;
using Bulkhead.Machine.Workers;

namespace Bulkhead.Cli.Systems;

/// <summary>What became of the windows of time partitions, as text; nothing where there are none.</summary>
internal static class WindowTable
{
    internal static void Write(TextWriter output, IReadOnlyList<WindowReport> windows)
    {
        if (windows.Count == 0)
        {
            return;
        }

        output.WriteLine($"  {"window",-32} {"CPU",5} {"ran",12} {"overruns",9} {"in all",10} {"last",10}");
        foreach (WindowReport one in windows)
        {
            string times = $"{Quantity.FormatDuration(one.Window.AtNs)} to {Quantity.FormatDuration(one.Window.AtNs + one.Window.LengthNs)}";
            output.WriteLine(
                $"  {one.Window.Partition + " " + times,-32} {one.Cpu,5} {Time(one.RanNs),12} {one.Overruns,9} {Time(one.OverrunNs),10} {Time(one.LastOverrunNs),10}");
        }
    }

    private static string Time(long ns) => Quantity.FormatDuration(ns / 1000 * 1000);
}
