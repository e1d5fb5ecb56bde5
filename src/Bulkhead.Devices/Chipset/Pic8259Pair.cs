using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;

namespace Bulkhead.Devices.Chipset;

/// <summary>The two cascaded 8259A of a PC, with the edge/level control registers.</summary>
/// <remarks>
/// <para><i>Threading</i>: any; own lock, taken after the router's and before nothing (the output is lock-free).</para>
/// <para>The cascade is a level: a slave request withdrawn before the acknowledge withdraws INTR, so a spurious
/// interrupt 15 needs an acknowledge that was not asked for.</para>
/// </remarks>
public sealed class Pic8259Pair : IInterruptPins, IByteRegisters
{
    private const int MasterBank = 0;
    private const int SlaveBank = 1;
    private const int ElcrBank = 2;

    private readonly Lock _lock = new();
    private readonly Pic8259 _master = new(isMaster: true);
    private readonly Pic8259 _slave = new(isMaster: false);
    private readonly InterruptLine _output;
    private bool _outputHigh;

    /// <summary>A pair whose INTR drives <paramref name="output"/>.</summary>
    public Pic8259Pair(InterruptLine output)
    {
        _output = output;
        MasterPorts = new ByteBank(this, MasterBank);
        SlavePorts = new ByteBank(this, SlaveBank);
        ElcrPorts = new ByteBank(this, ElcrBank);
    }

    /// <summary>Two ports, 0x20 on a PC.</summary>
    public IIoDevice MasterPorts { get; }

    /// <summary>Two ports, 0xA0 on a PC.</summary>
    public IIoDevice SlavePorts { get; }

    /// <summary>Two ports, 0x4D0 on a PC.</summary>
    public IIoDevice ElcrPorts { get; }

    /// <summary>Sets the level of IRQ 0..15; pin 2 is the cascade and not connected.</summary>
    public void SetPin(int pin, bool high)
    {
        if ((uint)pin >= 16 || pin == 2)
        {
            return;
        }

        lock (_lock)
        {
            (pin < 8 ? _master : _slave).SetPin(pin & 7, high);
            Update();
        }
    }

    /// <summary>Takes the interrupt INTR stands for; false when INTR is low by now.</summary>
    public bool TryAcknowledge(out byte vector)
    {
        lock (_lock)
        {
            if (!_outputHigh)
            {
                vector = 0;
                return false;
            }

            vector = Inta();
            return true;
        }
    }

    /// <summary>An acknowledge cycle whether INTR is high or not; IRQ 7 of the master when it is low.</summary>
    public byte Acknowledge()
    {
        lock (_lock)
        {
            return Inta();
        }
    }

    byte IByteRegisters.ReadByte(int bank, int offset)
    {
        lock (_lock)
        {
            if (bank == ElcrBank)
            {
                return (offset == 0 ? _master : _slave).LevelTriggered;
            }

            byte value = (bank == MasterBank ? _master : _slave).Read(offset);
            Update();
            return value;
        }
    }

    void IByteRegisters.WriteByte(int bank, int offset, byte value)
    {
        lock (_lock)
        {
            if (bank != ElcrBank)
            {
                (bank == MasterBank ? _master : _slave).Write(offset, value);
            }
            else if (offset == 0)
            {
                // IRQ 0, 1, 2 and 8, 13 are edge triggered for ever.
                _master.LevelTriggered = (byte)(value & 0xF8);
            }
            else
            {
                _slave.LevelTriggered = (byte)(value & 0xDE);
            }

            Update();
        }
    }

    private byte Inta()
    {
        byte vector = _master.Acknowledge(out int pin);
        if (pin == 2)
        {
            vector = _slave.Acknowledge(out _);
        }

        Update();
        return vector;
    }

    private void Update()
    {
        _master.Cascade = _slave.Output;
        bool high = _master.Output;
        if (high != _outputHigh)
        {
            _outputHigh = high;
            _output.Set(high);
        }
    }
}
