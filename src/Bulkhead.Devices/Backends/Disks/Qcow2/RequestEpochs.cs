namespace Bulkhead.Devices.Backends.Disks.Qcow2;

/// <summary>Tells when no request is under way any more that began before some moment.</summary>
/// <remarks>
/// A request looks a cluster up, lets go of the lock and transfers. A cluster that lost its use meanwhile may get another only
/// when every request that may have found it is over.
/// <para><i>Threading</i>: under the disk's lock.</para>
/// </remarks>
internal sealed class RequestEpochs
{
    private readonly int[] _under = new int[2];
    private int _now;

    /// <summary>Whether all requests that began before the last <see cref="Turn"/> are over.</summary>
    internal bool OldAreOver => _under[1 - _now] == 0;

    /// <summary>A request begins; what it gets it gives back at its end.</summary>
    internal int Enter()
    {
        _under[_now]++;
        return _now;
    }

    /// <summary>A request is over.</summary>
    internal void Exit(int epoch) => _under[epoch]--;

    /// <summary>Begins another epoch; only where <see cref="OldAreOver"/>.</summary>
    internal void Turn() => _now = 1 - _now;
}
