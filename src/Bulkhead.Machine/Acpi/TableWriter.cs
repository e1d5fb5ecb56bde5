using System.Buffers.Binary;
using System.Text;

namespace Bulkhead.Machine.Acpi;

/// <summary>Appends little-endian values; with the standard header when it is an ACPI table.</summary>
/// <remarks><i>Source</i>: ACPI 6.5, 5.2.6 System Description Table Header.</remarks>
internal sealed class TableWriter
{
    private const int LengthOffset = 4;
    private const int ChecksumOffset = 9;
    private readonly List<byte> _bytes = [];

    /// <summary>The number of bytes so far.</summary>
    internal int Length => _bytes.Count;

    /// <summary>Starts a table with its header.</summary>
    internal static TableWriter Table(string signature, byte revision) => new TableWriter()
        .Text(signature).U32(0).U8(revision).U8(0)
        .Text("BULKHD").Text("BULKHEAD").U32(1).Text("BLKH").U32(1);

    internal TableWriter U8(byte value)
    {
        _bytes.Add(value);
        return this;
    }

    internal TableWriter U16(ushort value) => U8((byte)value).U8((byte)(value >> 8));

    internal TableWriter U32(uint value) => U16((ushort)value).U16((ushort)(value >> 16));

    internal TableWriter U64(ulong value) => U32((uint)value).U32((uint)(value >> 32));

    internal TableWriter Text(string ascii) => Bytes(Encoding.ASCII.GetBytes(ascii));

    internal TableWriter Bytes(ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    internal TableWriter Zeros(int count)
    {
        for (int i = 0; i < count; i++)
        {
            _bytes.Add(0);
        }

        return this;
    }

    /// <summary>A generic address structure; all zero where <paramref name="address"/> is.</summary>
    /// <remarks><i>Source</i>: ACPI 6.5, 5.2.3.2 Generic Address Structure. Space 0 memory, 1 ports.</remarks>
    internal TableWriter Address(byte space, byte bits, byte accessSize, ulong address) =>
        address == 0 ? Zeros(12) : U8(space).U8(bits).U8(0).U8(accessSize).U64(address);

    /// <summary>The table with length and checksum filled in.</summary>
    internal byte[] Finish()
    {
        byte[] bytes = [.. _bytes];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(LengthOffset), (uint)bytes.Length);
        bytes[ChecksumOffset] = Checksum(bytes);
        return bytes;
    }

    /// <summary>The bytes as they are.</summary>
    internal byte[] ToArray() => [.. _bytes];

    /// <summary>What must be added for the bytes to sum to zero.</summary>
    internal static byte Checksum(ReadOnlySpan<byte> bytes)
    {
        byte sum = 0;
        foreach (byte b in bytes)
        {
            sum += b;
        }

        return (byte)-sum;
    }
}
