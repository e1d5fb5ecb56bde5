using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;

namespace Bulkhead.Devices.Chipset;

/// <summary>The fixed ACPI hardware: PM1a event and control blocks, the power button, the reset register.</summary>
/// <remarks>
/// <para>There is no SMI command port; SCI_EN is always set, which tells the guest that the machine is in ACPI mode.</para>
/// <para><i>Threading</i>: any; own lock, taken before the router's. The callbacks run on a vCPU's thread without it.</para>
/// <para><i>Source</i>: ACPI Specification 6.5, 4.8.3 ACPI Fixed Hardware Features and Registers; 4.8.3.6 Reset Register.</para>
/// </remarks>
public sealed class AcpiPm : IByteRegisters
{
    /// <summary>The SLP_TYP of S5, which the DSDT's \_S5 must name.</summary>
    public const int SleepTypeS5 = 5;

    /// <summary>What the FADT's RESET_VALUE must be.</summary>
    public const byte ResetValue = 0x06;

    private const int EventBank = 0;
    private const int ControlBank = 1;
    private const int ResetBank = 2;
    private const ushort PowerButton = 1 << 8;
    private const ushort StatusBits = 0x8731;
    private const ushort EnableBits = 0x0721;

    private readonly Lock _lock = new();
    private readonly InterruptLine _sci;
    private readonly Action _powerOff;
    private readonly Action _reset;
    private bool _unheard;
    private ushort _status;
    private ushort _enable;
    private ushort _control;
    private byte _resetControl;

    /// <summary>Fixed hardware that raises <paramref name="sci"/> (level) and reports the guest's wishes.</summary>
    public AcpiPm(InterruptLine sci, Action powerOff, Action reset)
    {
        _sci = sci;
        _powerOff = powerOff;
        _reset = reset;
        EventPorts = new ByteBank(this, EventBank);
        ControlPorts = new ByteBank(this, ControlBank);
        ResetPort = new ByteBank(this, ResetBank);
    }

    /// <summary>PM1a_EVT_BLK, four ports: status, then enable.</summary>
    public IIoDevice EventPorts { get; }

    /// <summary>PM1a_CNT_BLK, two ports.</summary>
    public IIoDevice ControlPorts { get; }

    /// <summary>One port, 0xCF9 on a PC (inside the PCI configuration ports: give it to the PCI host).</summary>
    public IIoDevice ResetPort { get; }

    /// <summary>Presses the power button for a moment.</summary>
    /// <remarks>A guest that does not listen yet hears it when it does: one that boots clears what it finds before it enables the event.</remarks>
    public void PressPowerButton()
    {
        lock (_lock)
        {
            _unheard = true;
            _status |= PowerButton;
            Update();
        }
    }

    byte IByteRegisters.ReadByte(int bank, int offset)
    {
        lock (_lock)
        {
            int value = bank switch
            {
                EventBank => offset < 2 ? _status : _enable,
                ControlBank => _control | 1,
                _ => _resetControl,
            };
            return (byte)(value >> (8 * (offset & 1)));
        }
    }

    void IByteRegisters.WriteByte(int bank, int offset, byte value)
    {
        Action? callback = null;
        int shift = 8 * (offset & 1);
        lock (_lock)
        {
            switch (bank)
            {
                case EventBank when offset < 2:
                    _unheard &= ((value << shift) & _enable & PowerButton) == 0;
                    _status &= (ushort)~((value << shift) & StatusBits);
                    Update();
                    break;
                case EventBank:
                    _enable = (ushort)(((_enable & ~(0xFF << shift)) | (value << shift)) & EnableBits);
                    _status |= (ushort)(_unheard ? _enable & PowerButton : 0);
                    Update();
                    break;
                case ControlBank:
                    // GBL_RLS (2) and SLP_EN (13) are write-only.
                    _control = (ushort)(((_control & ~(0xFF << shift)) | (value << shift)) & 0x1C02);
                    bool sleep = shift == 8 && (value & 0x20) != 0;
                    callback = sleep && ((value >> 2) & 7) == SleepTypeS5 ? _powerOff : null;
                    break;
                default:
                    _resetControl = (byte)(value & 0x0A);
                    callback = (value & 0x04) != 0 ? _reset : null;
                    break;
            }
        }

        callback?.Invoke();
    }

    private void Update() => _sci.Set((_status & _enable) != 0);
}
