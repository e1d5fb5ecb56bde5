using System.Diagnostics;
using System.Globalization;
using Bulkhead.Cli.Control;
using Bulkhead.Host;
using Bulkhead.Machine.Tracing;

namespace Bulkhead.Cli.Systems;

/// <summary>Keeps the last seconds' turns in a file when a domain crashes, or waits longer than it declared it could.</summary>
/// <remarks><i>Threading</i>: the control thread.</remarks>
internal sealed class FlightFiles(LiveSystem system, Action<string> say)
{
    private const long RememberedNs = 10_000_000_000;
    private const long PauseNs = 60_000_000_000;
    private const int Kept = 10;

    private readonly Dictionary<ManagedDomain, long> _nextMissNs = [];

    /// <summary>A domain ended as it should not.</summary>
    internal void Crashed(ManagedDomain domain) => Write(domain, $"{domain.Config.Name}: the turns before its end are in");

    /// <summary>Looks whether a domain waited longer than it can live with, in the last second.</summary>
    internal void LookForMisses(ManagedDomain domain, long nowNs)
    {
        // A histogram's class is an eighth wide, and gives its upper end: only what is beyond it for sure counts.
        if (domain.Config.Latency is { } need && domain.Meter.WakeMaxNs * 8 / 9 > need.Ns && domain.IsReady(nowNs)
            && nowNs >= _nextMissNs.GetValueOrDefault(domain))
        {
            _nextMissNs[domain] = nowNs + PauseNs;
            Write(domain, $"{domain.Config.Name}: waited {StatusTable.Time(domain.Meter.WakeMaxNs)} for its turn, and declared {StatusTable.Time(need.Ns)}; 'bulkhead why {domain.Config.Name}' explains it; the turns before are in");
        }
    }

    private void Write(ManagedDomain domain, string words)
    {
        string folder = Path.Combine(UserFolders.State, "flight", system.Name);
        string path = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{DateTimeOffset.Now:yyyyMMdd-HHmmss-fff}-{domain.Config.Name}.json"));
        try
        {
            _ = Directory.CreateDirectory(folder);
            using (var trace = new TraceFile(File.Create(path)))
            {
                system.WriteFlight(trace, Stopwatch.GetTimestamp() - RememberedNs);
                if (trace.Finish() is { } failure)
                {
                    throw new IOException($"writing broke off: {failure}");
                }
            }

            foreach (string old in Directory.EnumerateFiles(folder, "*.json").Order(StringComparer.Ordinal).SkipLast(Kept))
            {
                File.Delete(old);
            }

            say($"{words} {path}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            say($"{words} no file: {e.Message}");
        }
    }
}
