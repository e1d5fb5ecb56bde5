using System.Globalization;
using Bulkhead.Core;
using Bulkhead.Machine.Disks;

namespace Bulkhead.Cli.Disks;

/// <summary>Disk images for people.</summary>
internal static class DiskText
{
    internal static void Write(TextWriter output, DiskDescription description)
    {
        if (description.Machine is { } machine)
        {
            Line(output, "machine", machine.Name);
            Line(output, "cpus", machine.Cpus.ToString(CultureInfo.InvariantCulture));
            Line(output, "memory", Size(machine.MemoryBytes));
            for (int i = 0; i < machine.Disks.Count; i++)
            {
                Line(output, $"disk {i + 1}", $"{machine.Disks[i].File}, {Size(machine.Disks[i].SizeBytes)}");
            }
        }

        for (int i = 0; i < description.Layers.Count; i++)
        {
            if (i > 0)
            {
                output.WriteLine();
            }

            Write(output, description.Layers[i]);
        }
    }

    internal static void Write(TextWriter output, DiskCheckup checkup)
    {
        foreach (string message in checkup.Messages)
        {
            output.WriteLine($"error: {message}");
        }

        if (checkup.Errors > checkup.Messages.Count)
        {
            output.WriteLine($"and {checkup.Errors - checkup.Messages.Count} more");
        }

        string percent = checkup.AllClusters == 0 ? "0" : (100.0 * checkup.DataClusters / checkup.AllClusters).ToString("F1", CultureInfo.InvariantCulture);
        output.WriteLine($"{checkup.Errors} errors, {checkup.LeakedClusters} leaked clusters; {checkup.DataClusters} of {checkup.AllClusters} clusters hold data ({percent}%)");
    }

    private static void Write(TextWriter output, DiskLayer layer)
    {
        Line(output, "file", layer.File);
        Line(output, "format", layer.Format + (layer.Marks is { } marks ? $" ({string.Join(", ", marks)})" : string.Empty));
        Line(output, "size", Size(layer.SizeBytes));
        Line(output, "on the host", Size(layer.HostBytes));
        if (layer.ClusterBytes is { } cluster)
        {
            Line(output, "clusters", Size(cluster));
        }

        if (layer.BackingFile is { } backing)
        {
            Line(output, "laid over", $"{backing} ({layer.BackingFormat ?? "no format named"})");
        }

        foreach (DiskState state in layer.Snapshots ?? [])
        {
            Line(output, "snapshot", $"{state.Name} ({state.Id}), {Size(state.SizeBytes)}, {state.Taken.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC");
        }
    }

    // Exact, and rounded where that is shorter to read.
    private static string Size(long bytes)
    {
        string exact = Quantity.FormatSize((ulong)bytes);
        if (exact.Length <= 6)
        {
            return exact;
        }

        ReadOnlySpan<string> units = ["", "Ki", "Mi", "Gi", "Ti", "Pi"];
        int unit = 0;
        double value = bytes;
        for (; value >= 1024 && unit < units.Length - 1; unit++)
        {
            value /= 1024;
        }

        return $"{value.ToString("0.#", CultureInfo.InvariantCulture)}{units[unit]} ({bytes} bytes)";
    }

    private static void Line(TextWriter output, string name, string value) => output.WriteLine($"{name + ":",-13}{value}");
}
