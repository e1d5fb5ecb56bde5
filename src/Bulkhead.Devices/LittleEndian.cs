using System.Buffers.Binary;

namespace Bulkhead.Devices;

/// <summary>Register values to and from the bytes of an access, whatever its width up to eight.</summary>
internal static class LittleEndian
{
    /// <summary>Writes the low bytes of <paramref name="value"/>; bytes past the eighth are zero.</summary>
    public static void Put(Span<byte> data, ulong value)
    {
        if (data.Length == 4)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(data, (uint)value);
            return;
        }

        for (int i = 0; i < data.Length; i++)
        {
            data[i] = i < 8 ? (byte)(value >> (8 * i)) : (byte)0;
        }
    }

    /// <summary>The bytes as a number.</summary>
    public static ulong Get(ReadOnlySpan<byte> data)
    {
        if (data.Length == 4)
        {
            return BinaryPrimitives.ReadUInt32LittleEndian(data);
        }

        ulong value = 0;
        for (int i = Math.Min(data.Length, 8) - 1; i >= 0; i--)
        {
            value = (value << 8) | data[i];
        }

        return value;
    }
}
