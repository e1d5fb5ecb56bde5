using Bulkhead.Abi.Virtio;
using Bulkhead.Core.Memory;
using Xunit;

namespace Bulkhead.Devices.Tests.Virtio.Driver;

/// <summary>A packed queue as VIRTIO 1.2, 2.8 has it.</summary>
internal sealed class PackedDriverQueue : DriverQueue
{
    private readonly Queue<ushort> _ids;
    private readonly int[] _places;
    private int _next;
    private bool _wrap = true;
    private int _usedNext;
    private bool _usedWrap = true;
    private int _added;

    public PackedDriverQueue(RamLayout ram, ushort size, ulong features)
        : base(ram, size, features)
    {
        Descriptors = ram.Take((ulong)size * DescriptorBytes);
        Driver = ram.Take(4);
        Device = ram.Take(4);
        _ids = new Queue<ushort>(Enumerable.Range(0, size).Select(static i => (ushort)(i + 100)));
        _places = new int[size + 100];
    }

    public override Gpa Descriptors { get; }

    public override Gpa Driver { get; }

    public override Gpa Device { get; }

    public override int Add(params ReadOnlySpan<Piece> pieces)
    {
        if (!UsesTables)
        {
            return AddChain(pieces, DescriptorFlags.None);
        }

        Gpa table = Ram.Take((ulong)pieces.Length * DescriptorBytes);
        for (int i = 0; i < pieces.Length; i++)
        {
            PutDescriptor(table + ((ulong)i * DescriptorBytes), pieces[i], 0, pieces[i].Writable ? DescriptorFlags.Write : DescriptorFlags.None);
        }

        return AddChain([new Piece(table, (uint)(pieces.Length * DescriptorBytes), false)], DescriptorFlags.Indirect);
    }

    /// <summary>Makes descriptors of the ring available, the first of them last.</summary>
    public int AddChain(ReadOnlySpan<Piece> pieces, DescriptorFlags extra)
    {
        ushort id = _ids.Dequeue();
        Gpa first = PlaceOf(_next);
        DescriptorFlags firstFlags = 0;
        for (int i = 0; i < pieces.Length; i++)
        {
            DescriptorFlags flags = (_wrap ? DescriptorFlags.Available : DescriptorFlags.Used) | extra
                | (pieces[i].Writable ? DescriptorFlags.Write : 0) | (i + 1 < pieces.Length ? DescriptorFlags.Next : 0);
            if (i == 0)
            {
                firstFlags = flags;
                flags = _wrap ? DescriptorFlags.None : DescriptorFlags.Available | DescriptorFlags.Used;
            }

            PutDescriptor(PlaceOf(_next), pieces[i], id, flags);
            Advance(ref _next, 1, ref _wrap);
        }

        Ram.Write16(first + 14, (ushort)firstFlags);
        _places[id] = pieces.Length;
        _added += pieces.Length;
        return id;
    }

    public void PutDescriptor(Gpa at, Piece piece, ushort id, DescriptorFlags flags)
    {
        Ram.Write64(at, piece.Address.Value);
        Ram.Write32(at + 8, piece.Length);
        Ram.Write16(at + 12, id);
        Ram.Write16(at + 14, (ushort)flags);
    }

    public Gpa PlaceOf(int index) => Descriptors + ((ulong)index * DescriptorBytes);

    public override UsedBuffer? Take()
    {
        Gpa place = PlaceOf(_usedNext);
        var flags = (DescriptorFlags)Ram.Read16(place + 14);
        bool available = (flags & DescriptorFlags.Available) != 0;
        if (available != ((flags & DescriptorFlags.Used) != 0) || available != _usedWrap)
        {
            return null;
        }

        ushort id = Ram.Read16(place + 12);
        uint written = Ram.Read32(place + 8);
        Assert.Equal(written != 0, (flags & DescriptorFlags.Write) != 0);
        Advance(ref _usedNext, _places[id], ref _usedWrap);
        _ids.Enqueue(id);
        return new UsedBuffer(id, written);
    }

    public override bool MustNotify()
    {
        (int added, _added) = (_added, 0);
        ushort flags = Ram.Read16(Device + 2);
        if (flags != 2)
        {
            return flags == 0;
        }

        ushort asked = Ram.Read16(Device);
        int at = (asked & 0x7FFF) - ((asked & 0x8000) != 0 == _wrap ? 0 : Size);
        return (ushort)(_next - at - 1) < (ushort)added;
    }

    public override void AskInterrupt(int later = 0)
    {
        if (EventIndex)
        {
            (int at, bool wrap) = (_usedNext, _usedWrap);
            Advance(ref at, later, ref wrap);
            Ram.Write16(Driver, (ushort)(at | (wrap ? 0x8000 : 0)));
            Ram.Write16(Driver + 2, 2);
        }
        else
        {
            Ram.Write16(Driver + 2, 0);
        }
    }

    public override void RefuseInterrupts() => Ram.Write16(Driver + 2, 1);

    private void Advance(ref int index, int by, ref bool wrap)
    {
        index += by;
        if (index >= Size)
        {
            index -= Size;
            wrap = !wrap;
        }
    }
}
