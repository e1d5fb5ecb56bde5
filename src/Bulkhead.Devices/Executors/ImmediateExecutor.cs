using Bulkhead.Core.Time;

namespace Bulkhead.Devices.Executors;

/// <summary>Does the work on the thread that rings, before it goes on: the same run has the same answers at the same instructions.</summary>
/// <remarks>Work that makes itself more work is done so often and no more, or a driver whose buffers feed each other would hold the thread
/// for good; what is left waits for the next ring.</remarks>
/// <param name="timers">Where its later work stands; null: it has none.</param>
public sealed class ImmediateExecutor(ITimerQueue? timers = null) : IDeviceExecutor, ITimerClient
{
    private const int MostTurns = 8;

    private Action? _work;
    private Action<Exception>? _failed;
    private bool _working;
    private bool _rung;

    /// <inheritdoc/>
    public void Start(Action work, Action<Exception> failed) => (_work, _failed) = (work, failed);

    /// <inheritdoc/>
    public void Ring()
    {
        _rung = true;
        for (int turn = 0; turn < MostTurns && _rung && !_working; turn++)
        {
            _rung = false;
            _working = true;
            try
            {
                _work?.Invoke();
            }
#pragma warning disable CA1031 // The root of a device's work: a bug of ours ends the device, not the machine.
            catch (Exception e)
#pragma warning restore CA1031
            {
                _failed?.Invoke(e);
            }
            finally
            {
                _working = false;
            }
        }
    }

    /// <inheritdoc/>
    public bool Linger(Func<bool> more) => false;

    /// <inheritdoc/>
    public void RingAt(long timeNs) => timers?.Arm(this, timeNs);

    /// <inheritdoc/>
    void ITimerClient.OnTimer(long nowNs) => Ring();

    /// <inheritdoc/>
    public void Dispose()
    {
        timers?.Disarm(this);
        _work = null;
    }
}
