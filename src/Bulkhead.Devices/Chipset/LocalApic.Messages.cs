namespace Bulkhead.Devices.Chipset;

/// <summary>What reaches the APIC from outside, on any thread, and what it sends.</summary>
public sealed partial class LocalApic
{
    private const uint SendIllegalVector = 1 << 5;
    private const uint ReceiveIllegalVector = 1 << 6;
    private const uint IllegalRegister = 1 << 7;

    private uint X2ApicLdr => ((Id >> 4) << 16) | (1u << (int)(Id & 15));

    /// <summary>Whether a message is for this processor; <paramref name="wide"/> says the destination has 32 bits.</summary>
    internal bool Matches(uint destination, bool logical, bool wide)
    {
        if (destination == (wide ? 0xFFFF_FFFF : 0xFFu))
        {
            return true;
        }

        if (!logical)
        {
            return destination == Id;
        }

        uint ldr = _ldr;
        if (IsX2Apic)
        {
            return destination >> 16 == ldr >> 16 && (destination & ldr & 0xFFFF) != 0;
        }

        ldr >>= 24;
        if (_dfr >> 28 == 0xF)
        {
            return (destination & ldr & 0xFF) != 0;
        }

        uint cluster = (destination >> 4) & 0xF;
        return (cluster == ldr >> 4 || cluster == 0xF) && (destination & ldr & 0xF) != 0;
    }

    /// <summary>Takes a message; false when it cannot.</summary>
    internal bool Accept(DeliveryMode mode, byte vector, bool level)
    {
        switch (mode)
        {
            case DeliveryMode.Fixed or DeliveryMode.LowestPriority:
                if (!AcceptsFixed)
                {
                    return false;
                }

                return Raise(vector, level);
            case DeliveryMode.Nmi:
                _signals.Nmi();
                return true;
            case DeliveryMode.Init:
                Reset();
                _signals.Init();
                return true;
            case DeliveryMode.StartUp:
                _signals.StartUp(vector);
                return true;
            default:
                return false;
        }
    }

    /// <summary>The level of LINT0.</summary>
    internal void SetLint0(bool high)
    {
        bool rises = high && !_lint0High;
        _lint0High = high;
        if (!rises)
        {
            return;
        }

        if (ExtIntReady)
        {
            Interlocked.Increment(ref _changes);
            _signals.Kick();
        }
        else
        {
            RaiseLocal(Lint0);
        }
    }

    /// <summary>The level of LINT1.</summary>
    internal void SetLint1(bool high)
    {
        bool rises = high && !_lint1High;
        _lint1High = high;
        if (rises)
        {
            RaiseLocal(Lint1);
        }
    }

    private void RaiseLocal(int entry)
    {
        uint lvt = Volatile.Read(ref _lvt[entry]);
        if ((lvt & LvtMasked) != 0 || (_base & BaseEnable) == 0)
        {
            return;
        }

        switch ((DeliveryMode)((lvt >> 8) & 7))
        {
            case DeliveryMode.Fixed:
                Raise((byte)lvt, level: false);
                break;
            case DeliveryMode.Nmi:
                _signals.Nmi();
                break;
        }
    }

    private bool Raise(byte vector, bool level)
    {
        if (vector < 16)
        {
            RaiseError(ReceiveIllegalVector);
            return false;
        }

        int word = vector >> 5;
        uint bit = 1u << (vector & 31);
        if (level)
        {
            Interlocked.Or(ref _tmr[word], bit);
        }
        else if ((Volatile.Read(ref _tmr[word]) & bit) != 0)
        {
            Interlocked.And(ref _tmr[word], ~bit);
        }

        // If the bit was set already, whoever set it moves _changes and kicks.
        if ((Interlocked.Or(ref _irr[word], bit) & bit) == 0)
        {
            Interlocked.Increment(ref _changes);
            _signals.Kick();
        }

        return true;
    }

    private void RaiseError(uint error)
    {
        bool isNew = (Interlocked.Or(ref _errors, error) & error) == 0;
        uint lvt = Volatile.Read(ref _lvt[Error]);
        if (isNew && (lvt & LvtMasked) == 0 && (byte)lvt >= 16)
        {
            Raise((byte)lvt, level: false);
        }
    }

    private void SendIpi(uint low, uint destination, bool wide)
    {
        DeliveryMode mode = (DeliveryMode)((low >> 8) & 7);
        byte vector = (byte)low;
        bool isFixed = mode <= DeliveryMode.LowestPriority;
        if (isFixed && vector < 16)
        {
            RaiseError(SendIllegalVector);
            return;
        }

        if (mode == DeliveryMode.Init && (low & 0xC000) == 0x8000)
        {
            // INIT level de-assert only synchronized arbitration IDs, which nothing has any more.
            return;
        }

        switch ((low >> 18) & 3)
        {
            case 0:
                _bus.Deliver(destination, (low & 0x800) != 0, wide, mode, vector, level: false);
                break;
            case 1:
                if (isFixed || mode == DeliveryMode.Nmi)
                {
                    Accept(mode, vector, level: false);
                }

                break;
            case 2:
                _bus.Broadcast(this, self: true, mode, vector);
                break;
            default:
                _bus.Broadcast(this, self: false, mode, vector);
                break;
        }
    }
}
