using Bulkhead.Devices.Backends.Disks;
using Bulkhead.Devices.Executors;

namespace Bulkhead.Machine.Devices;

/// <summary>What stands behind the devices of a domain for one life: they keep it over a reset.</summary>
/// <remarks><i>Threading</i>: the control thread.</remarks>
internal sealed class DomainDevices : IDisposable
{
    private readonly List<(IDisk Disk, string Serial)> _disks = [];
    private readonly string _domain;
    private readonly bool _immediate;

    private DomainDevices(string domain, bool immediate) => (_domain, _immediate) = (domain, immediate);

    /// <summary>The disks in order, with their serial numbers.</summary>
    internal IReadOnlyList<(IDisk Disk, string Serial)> Disks => _disks;

    /// <summary>Opens everything.</summary>
    /// <param name="request">Which devices.</param>
    /// <param name="immediate">Whether they answer at once, on the vCPU's own thread.</param>
    internal static DomainDevices Open(DomainRequest request, bool immediate)
    {
        var devices = new DomainDevices(request.Name, immediate);
        try
        {
            foreach (DiskRequest disk in request.Disks)
            {
                devices._disks.Add((DiskFiles.Open(disk), disk.Serial));
            }

            return devices;
        }
        catch
        {
            devices.Dispose();
            throw;
        }
    }

    /// <summary>Where a device works; whoever asks disposes it.</summary>
    internal IDeviceExecutor NewExecutor(string device) => _immediate ? new ImmediateExecutor() : new ThreadExecutor($"{device} {_domain}");

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((IDisk disk, _) in _disks)
        {
            disk.Dispose();
        }
    }
}
