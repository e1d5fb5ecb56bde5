using System.Diagnostics;
using System.Globalization;
using Bulkhead.Images;
using Bulkhead.Tools.Divergence;

if (args.Contains("--help") || args.Contains("-h"))
{
    Console.WriteLine(Settings.Help);
    return 0;
}

if (Settings.Parse(args, out string wrong) is not { } settings)
{
    Console.Error.WriteLine($"divergence: {wrong}");
    return 2;
}

// Ctrl-C reaches the guests too, whose streams end; what was found so far is still told.
Console.CancelKeyPress += static (_, e) => e.Cancel = true;
string folder = Directory.CreateTempSubdirectory("divergence").FullName;
try
{
    return Compare(settings, folder);
}
catch (Exception e) when (e is IOException or InvalidOperationException or InvalidDataException)
{
    Console.Error.WriteLine($"divergence: {e.Message}");
    return 1;
}
finally
{
    Directory.Delete(folder, recursive: true);
}

static int Compare(Settings settings, string folder)
{
    GuestImage? image = settings.Kernel is null ? new ImageStore().Resolve("debian", update: false, Console.Error.WriteLine) : null;
    string initrd = settings.Initrd ?? image?.InitrdPath ?? throw new InvalidOperationException("--kernel needs --initrd.");
    string kernel = Path.Combine(folder, "vmlinux");
    KernelUnpacker.Unpack(settings.Kernel ?? image?.KernelPath ?? throw new UnreachableException(), kernel, folder);

    using var guests = new Guests(settings, folder);
    Lookahead ours = guests.StartOurs(kernel, initrd);
    Lookahead theirs = guests.StartQemu(kernel, initrd);
    var report = new Report(Console.Out, SymbolNames.Read(kernel), settings.Report);
    var comparer = new StreamComparer(ours, theirs, settings.Run, settings.Window);
    if (!comparer.TryAlign())
    {
        throw new InvalidOperationException($"The guests have no start in common.\n{guests.Said()}");
    }

    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"QEMU enters the kernel after {theirs.Position} instructions of its firmware"));
    int differences = 0, lost = 0;
    while (comparer.Next(settings.Instructions) is { } difference)
    {
        differences++;
        if (difference.Meets is not null)
        {
            report.Met(difference);
            continue;
        }

        report.Lost(difference);
        lost++;
        break;
    }

    report.Table();
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"\n{comparer.Common} common instructions, {differences} differences{(lost > 0 ? ", the last without a meeting" : "")}{(comparer.Ended ? "; a guest ended" : "")}; ours took {ours.Position}, QEMU {theirs.Position}"));
    if (comparer.Ended)
    {
        Console.WriteLine(guests.Said());
    }

    return lost > 0 ? 3 : 0;
}
