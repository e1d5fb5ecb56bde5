using System.Buffers.Binary;
using System.Numerics;
using Bulkhead.Core.Io;
using Bulkhead.Core.Memory;
using Bulkhead.Core.State;

namespace Bulkhead.Devices.Pci;

/// <summary>The configuration space of an ordinary function: header, BARs, capabilities.</summary>
/// <remarks>
/// <para><i>Threading</i>: the PCI host's lock; the command register's bits are read by any thread.</para>
/// <para><i>Source</i>: PCI Local Bus Specification 3.0, 6.1 Configuration Space Organization; 6.2.5.1 Address Maps; 6.7 Capabilities List.</para>
/// </remarks>
internal sealed class PciConfigSpace
{
    private const int Command = 0x04;
    private const int Status = 0x06;
    private const int Bar0 = 0x10;
    private const int CapabilityPointer = 0x34;
    private const int InterruptLine = 0x3C;
    private const ushort MemorySpace = 1 << 1;
    private const ushort BusMaster = 1 << 2;
    private const ushort InterruptDisable = 1 << 10;
    private const byte Wide = 1 << 2;
    private const byte Prefetchable = 1 << 3;
    private const byte MsixCapability = 0x11;
    private const ushort MsixEnable = 1 << 15;
    private const ushort MsixMask = 1 << 14;

    private readonly byte[] _bytes = new byte[256];
    private readonly byte[] _writable = new byte[256];
    private readonly List<PciBar> _bars = [];
    private int _lastCapability = CapabilityPointer;
    private int _end = 0x40;

    /// <summary>A function that interrupts by INTA.</summary>
    internal PciConfigSpace(PciIdentity identity)
    {
        Put16(0x00, identity.Vendor);
        Put16(0x02, identity.Device);
        Put16(Status, 1 << 4); // status: there is a list of capabilities
        Put32(0x08, (identity.ClassCode << 8) | identity.Revision);
        Put16(0x2C, identity.SubsystemVendor ?? identity.Vendor);
        Put16(0x2E, identity.Subsystem);
        _bytes[0x3D] = 1; // INTA
        Allow16(Command, MemorySpace | BusMaster | InterruptDisable);
        _writable[InterruptLine] = 0xFF;
        _writable[0x0C] = 0xFF; // cache line size
    }

    /// <summary>What the function answers at.</summary>
    internal IReadOnlyList<PciBar> Bars => _bars;

    /// <summary>Whether it answers at all.</summary>
    internal bool DecodesMemory => (Get16(Command) & MemorySpace) != 0;

    /// <summary>Whether the function may read and write memory, which interrupt messages are too.</summary>
    internal bool IsBusMaster => (Volatile.Read(ref _bytes[Command]) & BusMaster) != 0;

    /// <summary>Whether the function may drive its interrupt pin.</summary>
    internal bool MayInterrupt => (Volatile.Read(ref _bytes[Command + 1]) & (InterruptDisable >> 8)) == 0;

    /// <summary>Adds a BAR of registers.</summary>
    /// <param name="index">Its number, 0 to 5.</param>
    /// <param name="sizeBytes">Its size, a power of two.</param>
    /// <param name="registers">What stands there.</param>
    internal void AddBar(int index, uint sizeBytes, IIoDevice registers) => AddBar(index, sizeBytes, registers, null, wide: false);

    /// <summary>Adds a BAR of memory.</summary>
    /// <param name="index">Its number, 0 to 5.</param>
    /// <param name="memory">What stands there.</param>
    /// <param name="wide">Whether it has 64 bits, and takes the next number too; else it lies below 4 GiB.</param>
    internal void AddBar(int index, SharedWindow memory, bool wide = true) => AddBar(index, BitOperations.RoundUpToPowerOf2(memory.SizeBytes), null, memory, wide);

    /// <summary>Answers from the start, as a function that firmware has set up.</summary>
    internal void DecodeMemory() => _bytes[Command] |= (byte)MemorySpace;

    private void AddBar(int index, ulong sizeBytes, IIoDevice? registers, SharedWindow? memory, bool wide)
    {
        int offset = Bar0 + (index * sizeof(uint));
        ulong writable = ~(sizeBytes - 1);
        BinaryPrimitives.WriteUInt32LittleEndian(_writable.AsSpan(offset), (uint)writable);
        if (wide)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(_writable.AsSpan(offset + sizeof(uint)), (uint)(writable >> 32));
        }

        _bytes[offset] = (byte)((wide ? Wide : 0) | (memory is null ? 0 : Prefetchable));
        _bars.Add(new PciBar(this, offset, sizeBytes, registers, memory, wide));
    }

    internal ulong ReadBar(int offset, bool wide) => (Get32(offset) & ~0xFul) | (wide ? (ulong)Get32(offset + sizeof(uint)) << 32 : 0);

    internal void WriteBar(int offset, ulong address, bool wide)
    {
        Put32(offset, (uint)address | (Get32(offset) & 0xF));
        if (wide)
        {
            Put32(offset + sizeof(uint), (uint)(address >> 32));
        }
    }

    /// <summary>Appends the capability of MSI-X; the answer is where it stands.</summary>
    /// <param name="vectors">How many there are.</param>
    /// <param name="bar">Where the table and the pending bits are.</param>
    /// <param name="table">The table's offset there.</param>
    /// <param name="pending">The pending bits' offset there.</param>
    internal int AddMsix(int vectors, int bar, uint table, uint pending)
    {
        Span<byte> body = stackalloc byte[10];
        BinaryPrimitives.WriteUInt16LittleEndian(body, (ushort)(vectors - 1));
        BinaryPrimitives.WriteUInt32LittleEndian(body[2..], table | (uint)bar);
        BinaryPrimitives.WriteUInt32LittleEndian(body[6..], pending | (uint)bar);
        int at = AddCapability(MsixCapability, body);
        Allow16(at + 2, MsixEnable | MsixMask);
        return at;
    }

    /// <summary>Tells a table what its capability's control register says.</summary>
    internal void ControlMsix(int capability, MsixTable msix)
    {
        ushort control = Get16(capability + 2);
        msix.SetControl((control & MsixEnable) != 0, (control & MsixMask) != 0 || !IsBusMaster);
    }

    /// <summary>Appends a capability; the answer is where it stands.</summary>
    /// <param name="id">Its identifier.</param>
    /// <param name="body">What follows identifier and pointer.</param>
    internal int AddCapability(byte id, ReadOnlySpan<byte> body)
    {
        int at = _end;
        _bytes[_lastCapability] = (byte)at;
        _lastCapability = at + 1;
        _bytes[at] = id;
        body.CopyTo(_bytes.AsSpan(at + 2));
        _end = (at + 2 + body.Length + 3) & ~3;
        return at;
    }

    /// <summary>Lets the guest write bits.</summary>
    internal void Allow16(int offset, int bits) => BinaryPrimitives.WriteUInt16LittleEndian(_writable.AsSpan(offset), (ushort)bits);

    /// <summary>Lets the guest write whole bytes.</summary>
    internal void AllowBytes(int offset, int count) => _writable.AsSpan(offset, count).Fill(0xFF);

    /// <summary>Sets what the function says by itself.</summary>
    internal void SetStatus(bool interrupt) => _bytes[Status] = (byte)((1 << 4) | (interrupt ? 1 << 3 : 0));

    internal ushort Get16(int offset) => BinaryPrimitives.ReadUInt16LittleEndian(_bytes.AsSpan(offset));

    internal uint Get32(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(_bytes.AsSpan(offset));

    internal byte Get8(int offset) => _bytes[offset];

    internal void Read(int offset, Span<byte> data) => _bytes.AsSpan(offset, data.Length).CopyTo(data);

    internal void Write(int offset, ReadOnlySpan<byte> data)
    {
        for (int i = 0; i < data.Length; i++)
        {
            byte writable = _writable[offset + i];
            Volatile.Write(ref _bytes[offset + i], (byte)((_bytes[offset + i] & ~writable) | (data[i] & writable)));
        }
    }

    internal void Save(StateWriter writer) => writer.Write(_bytes);

    /// <summary>Takes over what a guest could have written into the same function.</summary>
    internal void Restore(StateReader reader)
    {
        Span<byte> bytes = stackalloc byte[_bytes.Length];
        reader.Read(bytes);
        for (int i = 0; i < bytes.Length; i++)
        {
            reader.Require(i == Status || ((bytes[i] ^ _bytes[i]) & ~_writable[i]) == 0, "another PCI function");
        }

        Write(0, bytes);
    }

    private void Put16(int offset, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(offset), value);

    private void Put32(int offset, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(_bytes.AsSpan(offset), value);
}
