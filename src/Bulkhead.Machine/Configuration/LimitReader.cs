using Bulkhead.Machine.Devices;
using Bulkhead.Yaml;

namespace Bulkhead.Machine.Configuration;

/// <summary>Reads how much a device does.</summary>
internal static class LimitReader
{
    /// <summary>Reads it; null where nothing is said.</summary>
    /// <param name="map">The device's fields.</param>
    /// <param name="countsRequests">Whether it has a limit of requests as well.</param>
    internal static DeviceLimit? Read(ConfigMap map, bool countsRequests)
    {
        int requests = countsRequests ? map.Number("requests_per_second", 0, 1, int.MaxValue) : 0;
        ulong bytes = map.Size("bytes_per_second", 0, 1, DeviceLimit.MostBytes);
        long burst = map.Duration("burst", DeviceLimit.DefaultBurstNs, DeviceLimit.LeastBurstNs, DeviceLimit.MostBurstNs);
        bool limited = map.Has("bytes_per_second") || (countsRequests && map.Has("requests_per_second"));
        if (map.Has("burst") && !limited)
        {
            map.Error("burst", "has no limit to go with", $"leave it out, or set {(countsRequests ? "requests_per_second or " : string.Empty)}bytes_per_second");
        }

        return limited ? new DeviceLimit(requests, (long)bytes, burst) : null;
    }
}
