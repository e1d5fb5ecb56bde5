using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;

namespace Bulkhead.Devices.Tests.Virtio.Driver;

/// <summary>A split queue as VIRTIO 1.2, 2.7 has it.</summary>
internal sealed class SplitDriverQueue : DriverQueue
{
    private readonly Queue<ushort> _free;
    private readonly ushort[] _nextOf;
    private ushort _available;
    private ushort _notified;
    private ushort _seen;

    public SplitDriverQueue(RamLayout ram, ushort size, ulong features)
        : base(ram, size, features)
    {
        Descriptors = ram.Take((ulong)size * DescriptorBytes);
        Driver = ram.Take((ulong)(6 + (2 * size)));
        Device = ram.Take((ulong)(6 + (8 * size)));
        _free = new Queue<ushort>(Enumerable.Range(0, size).Select(static i => (ushort)i));
        _nextOf = [.. Enumerable.Repeat(ushort.MaxValue, size)];
    }

    public override Gpa Descriptors { get; }

    public override Gpa Driver { get; }

    public override Gpa Device { get; }

    public ushort AvailableIndex
    {
        get => Ram.Read16(Driver + 2);
        set => Ram.Write16(Driver + 2, _available = value);
    }

    public ushort UsedIndex => Ram.Read16(Device + 2);

    public ushort UsedFlags => Ram.Read16(Device);

    public override int Add(params ReadOnlySpan<Piece> pieces)
    {
        ushort head;
        if (UsesTables)
        {
            Gpa table = Ram.Take((ulong)pieces.Length * DescriptorBytes);
            for (int i = 0; i < pieces.Length; i++)
            {
                Put(table + ((ulong)i * DescriptorBytes), pieces[i], i + 1 < pieces.Length, (ushort)(i + 1));
            }

            head = _free.Dequeue();
            PutDescriptor(Descriptors + ((ulong)head * DescriptorBytes), table, (uint)(pieces.Length * DescriptorBytes), DescriptorFlags.Indirect, 0);
        }
        else
        {
            head = Chain(pieces, last: null);
        }

        Offer(head);
        return head;
    }

    /// <summary>Descriptors in the ring, with a table at the end where one is given.</summary>
    public ushort Chain(ReadOnlySpan<Piece> pieces, (Gpa Table, uint Bytes)? last)
    {
        ushort head = _free.Dequeue();
        ushort at = head;
        for (int i = 0; i < pieces.Length; i++)
        {
            bool more = i + 1 < pieces.Length || last is not null;
            ushort next = more ? _free.Dequeue() : (ushort)0;
            Put(Descriptors + ((ulong)at * DescriptorBytes), pieces[i], more, next);
            if (more)
            {
                _nextOf[at] = next;
                at = next;
            }
        }

        if (last is { } table)
        {
            PutDescriptor(Descriptors + ((ulong)at * DescriptorBytes), table.Table, table.Bytes, DescriptorFlags.Indirect, 0);
        }

        return head;
    }

    /// <summary>Puts a chain into the available ring.</summary>
    public void Offer(ushort head)
    {
        Ram.Write16(Driver + (4 + (2 * (ulong)(_available % Size))), head);
        AvailableIndex = (ushort)(_available + 1);
    }

    public void PutDescriptor(Gpa at, Gpa address, uint length, DescriptorFlags flags, ushort next)
    {
        Ram.Write64(at, address.Value);
        Ram.Write32(at + 8, length);
        Ram.Write16(at + 12, (ushort)flags);
        Ram.Write16(at + 14, next);
    }

    public override UsedBuffer? Take()
    {
        if (UsedIndex == _seen)
        {
            return null;
        }

        Gpa element = Device + (4 + (8 * (ulong)(_seen++ % Size)));
        int id = (int)Ram.Read32(element);
        for (ushort at = (ushort)id; at != ushort.MaxValue;)
        {
            _free.Enqueue(at);
            (at, _nextOf[at]) = (_nextOf[at], ushort.MaxValue);
        }

        return new UsedBuffer(id, Ram.Read32(element + 4));
    }

    public override bool MustNotify()
    {
        (ushort before, _notified) = (_notified, _available);
        if (!EventIndex)
        {
            return (UsedFlags & 1) == 0;
        }

        ushort asked = Ram.Read16(Device + (4 + (8 * (ulong)Size)));
        return (ushort)(_available - asked - 1) < (ushort)(_available - before);
    }

    public override void AskInterrupt(int later = 0)
    {
        Ram.Write16(Driver, 0);
        if (EventIndex)
        {
            Ram.Write16(Driver + (4 + (2 * (ulong)Size)), (ushort)(_seen + later));
        }
    }

    public override void RefuseInterrupts()
    {
        if (EventIndex)
        {
            Ram.Write16(Driver + (4 + (2 * (ulong)Size)), (ushort)(_seen - 1));
        }
        else
        {
            Ram.Write16(Driver, 1);
        }
    }

    private void Put(Gpa at, Piece piece, bool more, ushort next) => PutDescriptor(
        at, piece.Address, piece.Length,
        (piece.Writable ? DescriptorFlags.Write : 0) | (more ? DescriptorFlags.Next : 0), next);
}
