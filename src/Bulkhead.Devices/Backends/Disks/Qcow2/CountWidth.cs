using System.Buffers.Binary;

namespace Bulkhead.Devices.Backends.Disks.Qcow2;

/// <summary>Reference counts of 1 to 64 bits in the bytes of a block of them.</summary>
/// <remarks>Counts of less than a byte fill it from its least significant bit on.</remarks>
internal readonly struct CountWidth(int order)
{
    /// <summary>The largest count.</summary>
    internal ulong Max => order == 6 ? ulong.MaxValue : (1UL << (1 << order)) - 1;

    /// <summary>How many counts a number of bytes holds, as a power of two.</summary>
    internal int CountsLog2(int bytesLog2) => bytesLog2 + 3 - order;

    /// <summary>A count.</summary>
    internal ulong Get(ReadOnlySpan<byte> bytes, int index) => order switch
    {
        < 3 => (ulong)(bytes[index >> (3 - order)] >> Shift(index)) & Max,
        3 => bytes[index],
        4 => BinaryPrimitives.ReadUInt16BigEndian(bytes[(2 * index)..]),
        5 => BinaryPrimitives.ReadUInt32BigEndian(bytes[(4 * index)..]),
        _ => BinaryPrimitives.ReadUInt64BigEndian(bytes[(8 * index)..]),
    };

    /// <summary>Changes a count.</summary>
    internal void Set(Span<byte> bytes, int index, ulong value)
    {
        switch (order)
        {
            case < 3:
                ref byte b = ref bytes[index >> (3 - order)];
                b = (byte)((b & ~((uint)Max << Shift(index))) | (uint)(value << Shift(index)));
                break;
            case 3:
                bytes[index] = (byte)value;
                break;
            case 4:
                BinaryPrimitives.WriteUInt16BigEndian(bytes[(2 * index)..], (ushort)value);
                break;
            case 5:
                BinaryPrimitives.WriteUInt32BigEndian(bytes[(4 * index)..], (uint)value);
                break;
            default:
                BinaryPrimitives.WriteUInt64BigEndian(bytes[(8 * index)..], value);
                break;
        }
    }

    private int Shift(int index) => (index & ((1 << (3 - order)) - 1)) << order;
}
