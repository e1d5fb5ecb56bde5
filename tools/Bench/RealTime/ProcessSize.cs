using System.Globalization;

namespace Bulkhead.Tools.Bench.RealTime;

/// <summary>The memory of a process.</summary>
/// <param name="ResidentKiB">What is resident; code that is mapped twice, writable and executable, counts twice.</param>
/// <param name="ProportionalKiB">The same, once.</param>
/// <param name="GuestKiB">What of it is guest RAM.</param>
internal readonly record struct ProcessSize(long ResidentKiB, long ProportionalKiB, long GuestKiB)
{
    /// <summary>Looks at a process; mappings whose name holds the words are guest RAM.</summary>
    internal static ProcessSize Look(int process, string guest) => Parse(File.ReadLines($"/proc/{process}/smaps"), guest);

    /// <summary>Reads <c>/proc/PID/smaps</c>.</summary>
    internal static ProcessSize Parse(IEnumerable<string> lines, string guest)
    {
        long resident = 0;
        long proportional = 0;
        long ram = 0;
        bool here = false;
        foreach (string line in lines)
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            switch (words[0])
            {
                case "Rss:":
                    long kib = long.Parse(words[1], CultureInfo.InvariantCulture);
                    resident += kib;
                    ram += here ? kib : 0;
                    break;
                case "Pss:":
                    proportional += long.Parse(words[1], CultureInfo.InvariantCulture);
                    break;
                default:
                    // A mapping begins with its addresses; the names of its other fields end in a colon.
                    here = words[0].EndsWith(':') ? here : line.Contains(guest, StringComparison.Ordinal);
                    break;
            }
        }

        return new ProcessSize(resident, proportional, ram);
    }
}
