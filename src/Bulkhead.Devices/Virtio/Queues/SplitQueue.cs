using System.Buffers.Binary;
using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;
using Bulkhead.Core.State;

namespace Bulkhead.Devices.Virtio.Queues;

/// <summary>A queue of three tables: descriptors, the ring of what is available, the ring of what was used.</summary>
/// <remarks>
/// <code>
/// available: flags u16, index u16, heads u16[size], used event u16
/// used:      flags u16, index u16, { head u32, written u32 }[size], available event u16
/// </code>
/// <i>Source</i>: VIRTIO 1.2, 2.7 Split Virtqueues.
/// </remarks>
internal sealed class SplitQueue : Virtqueue
{
    private const int Header = 4;
    private const int UsedBytes = 8;
    private const ushort NoInterrupt = 1;
    private const ushort NoNotify = 1;

    private ushort _nextAvailable;
    private ushort _nextUsed;
    private ushort _interrupted;

    private SplitQueue(GuestMemory memory, QueueSetup setup, ulong features)
        : base(memory, setup, features)
    {
    }

    internal static SplitQueue? TryCreate(GuestMemory memory, QueueSetup setup, ulong features)
    {
        ulong size = setup.Size;
        bool fits = size != 0 && (size & (size - 1)) == 0
            && setup.Descriptors.Value % 16 == 0 && setup.Driver.Value % 2 == 0 && setup.Device.Value % 4 == 0
            && memory.Contains(setup.Descriptors, size * DescriptorBytes)
            && memory.Contains(setup.Driver, Header + (size * 2) + 2)
            && memory.Contains(setup.Device, Header + (size * UsedBytes) + 2);
        return fits ? new SplitQueue(memory, setup, features) : null;
    }

    private Gpa AvailableFlags => Setup.Driver;

    private Gpa AvailableIndex => Setup.Driver + 2;

    private Gpa UsedEvent => Setup.Driver + (Header + ((ulong)Size * 2));

    private Gpa UsedFlags => Setup.Device;

    private Gpa UsedIndex => Setup.Device + 2;

    private Gpa AvailableEvent => Setup.Device + (Header + ((ulong)Size * UsedBytes));

    /// <inheritdoc/>
    internal override void Push(DescriptorChain chain, uint written)
    {
        Span<byte> used = stackalloc byte[UsedBytes];
        BinaryPrimitives.WriteUInt32LittleEndian(used, chain.Id);
        BinaryPrimitives.WriteUInt32LittleEndian(used[4..], written);
        _ = Memory.TryWrite(Setup.Device + (Header + ((ulong)(_nextUsed++ & (Size - 1)) * UsedBytes)), used);
    }

    /// <inheritdoc/>
    internal override void PutBack(DescriptorChain chain) => _nextAvailable--;

    /// <inheritdoc/>
    internal override void Publish() => Write16(UsedIndex, _nextUsed);

    /// <inheritdoc/>
    internal override bool WantsInterrupt()
    {
        Interlocked.MemoryBarrier(); // what was given back is visible before the driver's wish is read
        (ushort before, _interrupted) = (_interrupted, _nextUsed);
        return _nextUsed != before
            && (EventIndex ? Passed(Read16(UsedEvent), _nextUsed, before) : (Read16(AvailableFlags) & NoInterrupt) == 0);
    }

    /// <inheritdoc/>
    internal override void Ignore()
    {
        if (!EventIndex)
        {
            Write16(UsedFlags, NoNotify);
        }
    }

    /// <inheritdoc/>
    internal override void Save(StateWriter writer)
    {
        writer.Write(_nextAvailable);
        writer.Write(_nextUsed);
        writer.Write(_interrupted);
    }

    /// <inheritdoc/>
    internal override void Restore(StateReader reader)
    {
        _nextAvailable = reader.ReadUInt16();
        _nextUsed = reader.ReadUInt16();
        _interrupted = reader.ReadUInt16();
    }

    /// <inheritdoc/>
    protected override void RequestNotification()
    {
        if (EventIndex)
        {
            Write16(AvailableEvent, _nextAvailable);
        }
        else
        {
            Write16(UsedFlags, 0);
        }
    }

    /// <inheritdoc/>
    protected override bool HasNext()
    {
        ushort waiting = (ushort)(Read16(AvailableIndex) - _nextAvailable);
        return waiting != 0 && (waiting <= Size || Break($"{waiting} buffers available in a queue of {Size}"));
    }

    /// <inheritdoc/>
    protected override bool Take(DescriptorChain chain)
    {
        ushort head = Read16(Setup.Driver + (Header + ((ulong)(_nextAvailable & (Size - 1)) * 2)));
        if (head >= Size)
        {
            return Break($"descriptor {head} of {Size}");
        }

        chain.Id = head;
        _nextAvailable++;
        return Walk(chain, Setup.Descriptors, Size, head, inTable: false);
    }

    /// <summary>Follows a chain through a table; each descriptor once at most, or it has no end.</summary>
    private bool Walk(DescriptorChain chain, Gpa table, int count, int next, bool inTable)
    {
        Span<byte> bytes = stackalloc byte[DescriptorBytes];
        for (int left = count; left > 0; left--)
        {
            _ = Memory.TryRead(table + ((ulong)next * DescriptorBytes), bytes);
            ulong address = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
            var flags = (DescriptorFlags)BinaryPrimitives.ReadUInt16LittleEndian(bytes[12..]);
            if ((flags & DescriptorFlags.Indirect) != 0)
            {
                return inTable
                    ? Break("a table of descriptors in another")
                    : IsTable(address, length, flags, out int entries) && Walk(chain, new Gpa(address), entries, 0, inTable: true);
            }

            if (chain.Append(address, length, (flags & DescriptorFlags.Write) != 0) is { } wrong)
            {
                return Break(wrong);
            }

            if ((flags & DescriptorFlags.Next) == 0)
            {
                return true;
            }

            next = BinaryPrimitives.ReadUInt16LittleEndian(bytes[14..]);
            if (next >= count)
            {
                return Break($"descriptor {next} of {count}");
            }
        }

        return Break("a chain without an end");
    }
}
