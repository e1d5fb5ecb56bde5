namespace Bulkhead.Devices.Chipset;

/// <summary>The timer: 1 GHz before the divider, or a TSC deadline.</summary>
public sealed partial class LocalApic
{
    // A guest may ask for a period of a nanosecond; it is given as often as this, on multiples of its period.
    private const long MinPeriodNs = 10_000;

    private readonly Lock _timerLock = new();
    private uint _initialCount;
    private uint _divide;
    private long _startNs;
    private long _deadlineNs = long.MaxValue;
    private ulong _tscDeadline;

    /// <summary>How far the processor's TSC is ahead of the clock's.</summary>
    private ulong _tscAdjust;

    private bool IsTimerPeriodic => (_lvt[Timer] & 0x6_0000) == 0x2_0000;

    private bool IsTscDeadline => (_lvt[Timer] & 0x6_0000) == 0x4_0000;

    // 000 divides by 2, 110 by 128, 111 by 1.
    private int DivideShift => (int)(((((_divide >> 1) & 4) | (_divide & 3)) + 1) & 7);

    /// <inheritdoc/>
    public void OnTimer(long nowNs)
    {
        uint lvt;
        lock (_timerLock)
        {
            // A firing may cross a write that moved or removed the deadline; then the queue knows the new one already.
            if (nowNs < _deadlineNs)
            {
                return;
            }

            lvt = _lvt[Timer];
            if (IsTscDeadline)
            {
                if (TryWhen(_tscDeadline, out long whenNs))
                {
                    Arm(Math.Max(whenNs, nowNs + 1));
                    return;
                }

                _tscDeadline = 0;
                _deadlineNs = long.MaxValue;
            }
            else if (IsTimerPeriodic)
            {
                ArmPeriodic(nowNs);
            }
            else
            {
                _deadlineNs = long.MaxValue;
            }
        }

        RaiseTimer(lvt);
    }

    private void RaiseTimer(uint lvt)
    {
        if ((lvt & LvtMasked) == 0)
        {
            Raise((byte)lvt, level: false);
        }
    }

    private void ResetTimer()
    {
        lock (_timerLock)
        {
            Volatile.Write(ref _lvt[Timer], LvtMasked);
            _initialCount = 0;
            _divide = 0;
            _tscDeadline = 0;
            Disarm();
        }
    }

    private void WriteTimerEntry(uint value)
    {
        lock (_timerLock)
        {
            bool wasDeadline = IsTscDeadline;
            Volatile.Write(ref _lvt[Timer], value);
            if (wasDeadline != IsTscDeadline)
            {
                _initialCount = 0;
                _tscDeadline = 0;
                Disarm();
            }
        }
    }

    private void WriteInitialCount(uint count)
    {
        lock (_timerLock)
        {
            if (IsTscDeadline)
            {
                return;
            }

            _initialCount = count;
            if (count == 0)
            {
                Disarm();
                return;
            }

            _startNs = _clock.NowNs;
            Arm(_startNs + ((long)count << DivideShift));
        }
    }

    private void WriteDivide(uint value)
    {
        lock (_timerLock)
        {
            long now = _clock.NowNs;
            uint current = CurrentCountLocked(now);
            _divide = value & 0xB;
            if (_deadlineNs != long.MaxValue && !IsTscDeadline && current != 0)
            {
                // The count goes on from where it is at the new speed.
                Arm(now + ((long)current << DivideShift));
                _startNs = _deadlineNs - ((long)_initialCount << DivideShift);
            }
        }
    }

    private uint CurrentCount()
    {
        lock (_timerLock)
        {
            return CurrentCountLocked(_clock.NowNs);
        }
    }

    private uint CurrentCountLocked(long now)
    {
        if (_initialCount == 0 || _deadlineNs == long.MaxValue || IsTscDeadline)
        {
            return 0;
        }

        int shift = DivideShift;
        long period = (long)_initialCount << shift;
        long elapsed = now - _startNs;
        if (IsTimerPeriodic)
        {
            elapsed %= period;
        }

        long left = period - elapsed;
        return left <= 0 ? 0 : (uint)((left + (1L << shift) - 1) >> shift);
    }

    private void ArmPeriodic(long now)
    {
        long period = (long)_initialCount << DivideShift;
        long earliest = Math.Max(now + 1, _deadlineNs + MinPeriodNs);
        long periods = (earliest - _startNs + period - 1) / period;
        Arm(_startNs + (periods * period));
    }

    private ulong ReadTscDeadline()
    {
        lock (_timerLock)
        {
            return IsTscDeadline ? _tscDeadline : 0;
        }
    }

    private void WriteTscDeadline(ulong deadline)
    {
        uint lvt;
        lock (_timerLock)
        {
            if (!IsTscDeadline || TryArmTsc(deadline))
            {
                return;
            }

            lvt = _lvt[Timer];
        }

        RaiseTimer(lvt);
    }

    private void WriteTscAdjust(ulong adjust)
    {
        uint lvt;
        lock (_timerLock)
        {
            _tscAdjust = adjust;
            if (!IsTscDeadline || TryArmTsc(_tscDeadline))
            {
                return;
            }

            lvt = _lvt[Timer];
        }

        RaiseTimer(lvt);
    }

    /// <summary>Arms for a deadline, or for none (0); false where it is over.</summary>
    private bool TryArmTsc(ulong deadline)
    {
        if (deadline != 0 && TryWhen(deadline, out long whenNs))
        {
            _tscDeadline = deadline;
            Arm(whenNs);
            return true;
        }

        _tscDeadline = 0;
        Disarm();
        return deadline == 0;
    }

    /// <summary>When a TSC deadline comes; false where it is over.</summary>
    private bool TryWhen(ulong deadline, out long whenNs)
    {
        ulong tsc = _clock.GuestTsc;
        ulong adjusted = tsc + _tscAdjust;
        if (adjusted >= deadline)
        {
            whenNs = 0;
            return false;
        }

        ulong left = deadline - adjusted;
        whenNs = _clock.WhenTsc(left <= ulong.MaxValue - tsc ? tsc + left : ulong.MaxValue);
        return true;
    }

    private void Arm(long deadlineNs)
    {
        _deadlineNs = deadlineNs;
        _timers.Arm(this, deadlineNs);
    }

    private void Disarm()
    {
        if (_deadlineNs != long.MaxValue)
        {
            _deadlineNs = long.MaxValue;
            _timers.Disarm(this);
        }
    }
}
