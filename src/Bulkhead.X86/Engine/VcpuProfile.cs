namespace Bulkhead.X86.Engine;

/// <summary>What a vCPU was found to do, whenever it was looked at, and where in the guest's code.</summary>
/// <remarks><i>Threading</i>: the vCPU's thread adds; others read once it has stopped.</remarks>
public sealed class VcpuProfile
{
    private readonly long[] _activities = new long[Enum.GetValues<VcpuActivity>().Length];
    private readonly Dictionary<ulong, long> _places = [];

    /// <summary>How often it was found at this.</summary>
    public long this[VcpuActivity activity] => _activities[(int)activity];

    /// <summary>How often it was found at each guest instruction pointer.</summary>
    public IReadOnlyDictionary<ulong, long> Places => _places;

    /// <summary>Counts once more.</summary>
    public void Add(VcpuActivity activity) => _activities[(int)activity]++;

    /// <summary>Counts once more where the guest's code was.</summary>
    public void AddPlace(ulong rip) => System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_places, rip, out _)++;
}
