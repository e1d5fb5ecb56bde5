using Bulkhead.Core.Io;

namespace Bulkhead.Devices.Chipset;

/// <summary>The register file, by xAPIC page or by MSR.</summary>
public sealed partial class LocalApic
{
    private const uint MsrApicBase = 0x1B;
    private const uint MsrTscAdjust = 0x3B;
    private const uint MsrTscDeadline = 0x6E0;
    private const uint MsrX2ApicFirst = 0x800;
    private const uint MsrX2ApicLast = 0x8FF;

    // Six local vector table entries.
    private const uint Version = 0x0005_0014;
    private const int Timer = 0;
    private const int Lint0 = 3;
    private const int Lint1 = 4;
    private const int Error = 5;

    // Register numbers: page offset / 16, or MSR - 800h.
    private const int RegisterId = 0x02;
    private const int RegisterVersion = 0x03;
    private const int RegisterTpr = 0x08;
    private const int RegisterPpr = 0x0A;
    private const int RegisterEoi = 0x0B;
    private const int RegisterLdr = 0x0D;
    private const int RegisterDfr = 0x0E;
    private const int RegisterSvr = 0x0F;
    private const int RegisterEsr = 0x28;
    private const int RegisterIcrLow = 0x30;
    private const int RegisterIcrHigh = 0x31;
    private const int RegisterLvt = 0x32;
    private const int RegisterInitialCount = 0x38;
    private const int RegisterCurrentCount = 0x39;
    private const int RegisterDivide = 0x3E;
    private const int RegisterSelfIpi = 0x3F;

    private static ReadOnlySpan<uint> LvtWritable => [0x7_00FF, 0x1_07FF, 0x1_07FF, 0x1_A7FF, 0x1_A7FF, 0x1_00FF];

    /// <inheritdoc/>
    /// <remarks>The xAPIC page; registers are 32 bits at multiples of 16.</remarks>
    public IoResult Read(ulong offset, Span<byte> data)
    {
        if (IsX2Apic || (_base & BaseEnable) == 0)
        {
            data.Fill(0xFF);
            return IoResult.Ok;
        }

        uint value = (offset & 0xC) == 0 ? ReadRegister((int)(offset >> 4)) : 0;
        LittleEndian.Put(data, value >> (8 * (int)(offset & 3)));
        return IoResult.Ok;
    }

    /// <inheritdoc/>
    public IoResult Write(ulong offset, ReadOnlySpan<byte> data)
    {
        if ((offset & 0xF) != 0 || IsX2Apic || (_base & BaseEnable) == 0)
        {
            return IoResult.Ok;
        }

        WriteRegister((int)(offset >> 4), (uint)LittleEndian.Get(data));
        return IoResult.Ok;
    }

    /// <summary>Reads APIC base, TSC deadline or an x2APIC register; false: not here, or #GP.</summary>
    public bool TryReadMsr(uint index, out ulong value)
    {
        switch (index)
        {
            case MsrApicBase:
                value = _base;
                return true;
            case MsrTscDeadline:
                value = ReadTscDeadline();
                return true;
            case >= MsrX2ApicFirst and <= MsrX2ApicLast when IsX2Apic:
                return TryReadX2Apic((int)(index - MsrX2ApicFirst), out value);
            default:
                value = 0;
                return false;
        }
    }

    /// <summary>Writes APIC base, TSC deadline or an x2APIC register, or tells of a new TSC_ADJUST; false: not here, or #GP.</summary>
    public bool TryWriteMsr(uint index, ulong value)
    {
        switch (index)
        {
            case MsrApicBase:
                return TryWriteBase(value);
            case MsrTscDeadline:
                WriteTscDeadline(value);
                return true;
            case MsrTscAdjust:
                WriteTscAdjust(value);
                return true;
            case >= MsrX2ApicFirst and <= MsrX2ApicLast when IsX2Apic:
                return TryWriteX2Apic((int)(index - MsrX2ApicFirst), value);
            default:
                return false;
        }
    }

    private uint ReadRegister(int register)
    {
        switch (register)
        {
            case RegisterId:
                return IsX2Apic ? Id : Id << 24;
            case RegisterVersion:
                return Version;
            case RegisterTpr:
                return (uint)_tpr;
            case RegisterPpr:
                return PprRegister;
            case RegisterLdr:
                return _ldr;
            case RegisterDfr:
                return _dfr;
            case RegisterSvr:
                return _svr;
            case >= 0x10 and < 0x18:
                return _isr[register - 0x10];
            case >= 0x18 and < 0x20:
                return Volatile.Read(ref _tmr[register - 0x18]);
            case >= 0x20 and < 0x28:
                return Volatile.Read(ref _irr[register - 0x20]);
            case RegisterEsr:
                return _errorStatus;
            case RegisterIcrLow:
                return _icrLow;
            case RegisterIcrHigh:
                return _icrHigh;
            case >= RegisterLvt and <= RegisterLvt + Error:
                return _lvt[register - RegisterLvt];
            case RegisterInitialCount:
                return _initialCount;
            case RegisterCurrentCount:
                return CurrentCount();
            case RegisterDivide:
                return _divide;
            case RegisterEoi or 0x09 or 0x0C:
                return 0;
            default:
                RaiseError(IllegalRegister);
                return 0;
        }
    }

    private uint PprRegister
    {
        get
        {
            int tpr = _tpr & 0xFF;
            int inService = _inService & 0xF0;
            return (uint)((tpr & 0xF0) >= inService ? tpr : inService);
        }
    }

    private void WriteRegister(int register, uint value)
    {
        switch (register)
        {
            case RegisterEoi:
                EndOfInterrupt();
                break;
            case RegisterTpr:
                SetTpr((int)(value & 0xFF));
                break;
            case RegisterIcrLow:
                _icrLow = value & 0x000C_CFFF;
                SendIpi(value, _icrHigh >> 24, wide: false);
                break;
            case RegisterIcrHigh:
                _icrHigh = value & 0xFF00_0000;
                break;
            case RegisterLdr:
                _ldr = value & 0xFF00_0000;
                break;
            case RegisterDfr:
                _dfr = value | 0x0FFF_FFFF;
                break;
            case RegisterSvr:
                WriteSpuriousVector(value);
                break;
            case RegisterEsr:
                _errorStatus = Interlocked.Exchange(ref _errors, 0);
                break;
            case >= RegisterLvt and <= RegisterLvt + Error:
                WriteLvt(register - RegisterLvt, value);
                break;
            case RegisterInitialCount:
                WriteInitialCount(value);
                break;
            case RegisterDivide:
                WriteDivide(value);
                break;
            case RegisterId or RegisterVersion or RegisterPpr or RegisterCurrentCount or (>= 0x10 and < 0x28):
                break;
            default:
                RaiseError(IllegalRegister);
                break;
        }
    }

    private void WriteSpuriousVector(uint value)
    {
        uint old = _svr;
        _svr = value & 0x3FF;
        if ((value & SoftwareEnable) == 0)
        {
            for (int i = 0; i < _lvt.Length; i++)
            {
                Volatile.Write(ref _lvt[i], _lvt[i] | LvtMasked);
            }
        }
        else if ((old & SoftwareEnable) == 0)
        {
            _bus.Retry();
        }
    }

    private void WriteLvt(int entry, uint value)
    {
        value &= LvtWritable[entry];
        if ((_svr & SoftwareEnable) == 0)
        {
            value |= LvtMasked;
        }

        if (entry == Timer)
        {
            WriteTimerEntry(value);
            return;
        }

        Volatile.Write(ref _lvt[entry], value);
        if (entry == Lint0)
        {
            Changed();
        }
    }

    private bool TryWriteBase(ulong value)
    {
        const ulong Known = BaseAddress | BaseBootstrap | BaseX2Apic | BaseEnable;
        bool enable = (value & BaseEnable) != 0;
        bool x2Apic = (value & BaseX2Apic) != 0;
        bool wasEnabled = (_base & BaseEnable) != 0;
        if ((value & ~Known) != 0
            || (value & BaseAddress) != BaseAddress
            || (x2Apic && (!enable || !_offerX2Apic || !wasEnabled))
            || (enable && !x2Apic && IsX2Apic))
        {
            return false;
        }

        bool entersX2Apic = x2Apic && !IsX2Apic;
        _base = (uint)(value & ~(ulong)BaseBootstrap) | (IsBootstrap ? BaseBootstrap : 0);
        if (!enable && wasEnabled)
        {
            Reset();
        }
        else if (entersX2Apic)
        {
            _ldr = X2ApicLdr;
        }

        Changed();
        return true;
    }

    private bool TryReadX2Apic(int register, out ulong value)
    {
        value = 0;
        switch (register)
        {
            case RegisterIcrLow:
                value = ((ulong)_icrHigh << 32) | _icrLow;
                return true;
            case RegisterEoi or RegisterDfr or RegisterIcrHigh or RegisterSelfIpi or 0x09 or 0x0C:
                return false;
            case RegisterId or RegisterVersion or RegisterTpr or RegisterPpr or RegisterLdr or RegisterSvr
                or (>= 0x10 and <= RegisterEsr) or (>= RegisterLvt and <= RegisterCurrentCount) or RegisterDivide:
                value = ReadRegister(register);
                return true;
            default:
                return false;
        }
    }

    private bool TryWriteX2Apic(int register, ulong value)
    {
        switch (register)
        {
            case RegisterIcrLow:
                _icrLow = (uint)value & 0x000C_CFFF;
                _icrHigh = (uint)(value >> 32);
                SendIpi((uint)value, _icrHigh, wide: true);
                return true;
            case RegisterSelfIpi when value <= 0xFF:
                SendIpi((uint)value | 0x4_0000, 0, wide: true);
                return true;
            case RegisterEoi or RegisterEsr when value == 0:
            case RegisterTpr when value <= 0xFF:
            case RegisterSvr or RegisterInitialCount or RegisterDivide when value <= uint.MaxValue:
            case >= RegisterLvt and <= RegisterLvt + Error when value <= uint.MaxValue:
                WriteRegister(register, (uint)value);
                return true;
            default:
                return false;
        }
    }
}
