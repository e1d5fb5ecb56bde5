using System.Buffers.Binary;
using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;
using Bulkhead.Core.State;

namespace Bulkhead.Devices.Virtio.Queues;

/// <summary>A queue of one ring, in which used descriptors take the place of available ones.</summary>
/// <remarks>
/// <code>
/// descriptor:        address u64, length u32, id u16, flags u16
/// event suppression: descriptor offset and wrap bit u16, flags u16
/// </code>
/// <i>Source</i>: VIRTIO 1.2, 2.8 Packed Virtqueues.
/// </remarks>
internal sealed class PackedQueue : Virtqueue
{
    private const int SuppressionBytes = 4;
    private const ushort EventsEnabled = 0;
    private const ushort EventsDisabled = 1;
    private const ushort EventsByDescriptor = 2;
    private const ushort WrapBit = 0x8000;

    private int _nextAvailable;
    private int _nextUsed;
    private int _interrupted;
    private bool _availableWrap = true;
    private bool _usedWrap = true;
    private Gpa _heldPlace;
    private ushort _heldFlags;
    private bool _holds;

    private PackedQueue(GuestMemory memory, QueueSetup setup, ulong features)
        : base(memory, setup, features)
    {
    }

    internal static PackedQueue? TryCreate(GuestMemory memory, QueueSetup setup, ulong features)
    {
        bool fits = setup.Size is > 0 and <= 0x8000
            && setup.Descriptors.Value % 16 == 0 && setup.Driver.Value % 4 == 0 && setup.Device.Value % 4 == 0
            && memory.Contains(setup.Descriptors, (ulong)setup.Size * DescriptorBytes)
            && memory.Contains(setup.Driver, SuppressionBytes)
            && memory.Contains(setup.Device, SuppressionBytes);
        return fits ? new PackedQueue(memory, setup, features) : null;
    }

    /// <inheritdoc/>
    internal override void Push(DescriptorChain chain, uint written)
    {
        Span<byte> used = stackalloc byte[8];
        BinaryPrimitives.WriteUInt32LittleEndian(used, written);
        BinaryPrimitives.WriteUInt16LittleEndian(used[4..], chain.Id);
        Gpa place = PlaceOf(_nextUsed);
        _ = Memory.TryWrite(place + 8, used[..6]);
        DescriptorFlags flags = _usedWrap ? DescriptorFlags.Available | DescriptorFlags.Used : DescriptorFlags.None;
        ushort word = (ushort)(written != 0 ? flags | DescriptorFlags.Write : flags);
        if (_holds)
        {
            Write16(place + 14, word);
        }
        else
        {
            (_heldPlace, _heldFlags, _holds) = (place, word, true); // the driver looks at the first, and at others behind it only then
        }

        _nextUsed = Advance(_nextUsed, chain.Places, ref _usedWrap);
        _interrupted += chain.Places;
    }

    /// <inheritdoc/>
    internal override void PutBack(DescriptorChain chain)
    {
        _nextAvailable -= chain.Places;
        if (_nextAvailable < 0)
        {
            _nextAvailable += Size;
            _availableWrap = !_availableWrap;
        }
    }

    /// <inheritdoc/>
    internal override void Publish()
    {
        if (_holds)
        {
            _holds = false;
            Write16(_heldPlace + 14, _heldFlags);
        }
    }

    /// <inheritdoc/>
    internal override bool WantsInterrupt()
    {
        Interlocked.MemoryBarrier();
        (int passed, _interrupted) = (_interrupted, 0);
        if (passed == 0)
        {
            return false;
        }

        ushort flags = (ushort)(Read16(Setup.Driver + 2) & 3);
        if (!EventIndex || flags != EventsByDescriptor)
        {
            return flags != EventsDisabled;
        }

        ushort asked = Read16(Setup.Driver);
        int at = asked & ~WrapBit;
        if (((asked & WrapBit) != 0) != _usedWrap)
        {
            at -= Size; // it was asked for before the ring wrapped
        }

        return passed >= Size || Passed((ushort)at, (ushort)_nextUsed, (ushort)(_nextUsed - passed));
    }

    /// <inheritdoc/>
    internal override void Ignore() => Write16(Setup.Device + 2, EventsDisabled);

    /// <inheritdoc/>
    internal override void Save(StateWriter writer)
    {
        writer.Write((ushort)_nextAvailable);
        writer.Write(_availableWrap);
        writer.Write((ushort)_nextUsed);
        writer.Write(_usedWrap);
        writer.Write((ushort)Math.Min(_interrupted, Size));
    }

    /// <inheritdoc/>
    internal override void Restore(StateReader reader)
    {
        _nextAvailable = reader.ReadUInt16();
        _availableWrap = reader.ReadBoolean();
        _nextUsed = reader.ReadUInt16();
        _usedWrap = reader.ReadBoolean();
        _interrupted = reader.ReadUInt16();
        reader.Require(_nextAvailable < Size && _nextUsed < Size && _interrupted <= Size, "a place outside the ring");
    }

    /// <inheritdoc/>
    protected override void RequestNotification()
    {
        if (EventIndex)
        {
            Write16(Setup.Device, (ushort)(_nextAvailable | (_availableWrap ? WrapBit : 0)));
            Write16(Setup.Device + 2, EventsByDescriptor);
        }
        else
        {
            Write16(Setup.Device + 2, EventsEnabled);
        }
    }

    /// <inheritdoc/>
    protected override bool HasNext()
    {
        var flags = (DescriptorFlags)Read16(PlaceOf(_nextAvailable) + 14);
        bool available = (flags & DescriptorFlags.Available) != 0;
        bool used = (flags & DescriptorFlags.Used) != 0;
        return available != used && available == _availableWrap;
    }

    /// <inheritdoc/>
    protected override bool Take(DescriptorChain chain)
    {
        Span<byte> bytes = stackalloc byte[DescriptorBytes];
        for (int places = 1; places <= Size; places++)
        {
            _ = Memory.TryRead(PlaceOf(_nextAvailable), bytes);
            _nextAvailable = Advance(_nextAvailable, 1, ref _availableWrap);
            (ulong address, uint length, DescriptorFlags flags) = Parse(bytes);
            if ((flags & DescriptorFlags.Indirect) != 0)
            {
                if (places > 1)
                {
                    return Break("an indirect descriptor in a chain");
                }

                if (!IsTable(address, length, flags, out int entries) || !TakeTable(chain, new Gpa(address), entries))
                {
                    return false;
                }
            }
            else if (chain.Append(address, length, (flags & DescriptorFlags.Write) != 0) is { } wrong)
            {
                return Break(wrong);
            }

            if ((flags & DescriptorFlags.Next) == 0)
            {
                chain.Id = BinaryPrimitives.ReadUInt16LittleEndian(bytes[12..]);
                chain.Places = places;
                return true;
            }
        }

        return Break("a chain without an end");
    }

    /// <summary>A table's descriptors follow each other; only whether each is to be written is looked at.</summary>
    private bool TakeTable(DescriptorChain chain, Gpa table, int count)
    {
        Span<byte> bytes = stackalloc byte[DescriptorBytes];
        for (int i = 0; i < count; i++)
        {
            _ = Memory.TryRead(table + ((ulong)i * DescriptorBytes), bytes);
            (ulong address, uint length, DescriptorFlags flags) = Parse(bytes);
            if (chain.Append(address, length, (flags & DescriptorFlags.Write) != 0) is { } wrong)
            {
                return Break(wrong);
            }
        }

        return true;
    }

    private static (ulong Address, uint Length, DescriptorFlags Flags) Parse(ReadOnlySpan<byte> bytes) => (
        BinaryPrimitives.ReadUInt64LittleEndian(bytes), BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]),
        (DescriptorFlags)BinaryPrimitives.ReadUInt16LittleEndian(bytes[14..]));

    private Gpa PlaceOf(int index) => Setup.Descriptors + ((ulong)index * DescriptorBytes);

    private int Advance(int index, int by, ref bool wrap)
    {
        index += by;
        if (index < Size)
        {
            return index;
        }

        wrap = !wrap;
        return index - Size;
    }
}
