using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Bulkhead.Devices.Backends.Net;

/// <summary>The ones' complement sum that IP, TCP and UDP use.</summary>
/// <remarks><i>Source</i>: RFC 1071, Computing the Internet Checksum; RFC 768, User Datagram Protocol, Fields; RFC 1624, 3 Discussion.</remarks>
internal static class InternetChecksum
{
    /// <summary>Where UDP has its field.</summary>
    internal const int UdpOffset = 6;

    /// <summary>Completes a checksum whose field holds the sum of the pseudo-header. False: the fields do not lie in the frame.</summary>
    internal static bool TryComplete(Span<byte> frame, int start, int offset)
    {
        if (start > frame.Length || offset > frame.Length - start - sizeof(ushort))
        {
            return false;
        }

        ushort sum = (ushort)~Sum(frame[start..]);
        bool saysNone = sum == 0 && offset == UdpOffset; // the other zero then
        BinaryPrimitives.WriteUInt16BigEndian(frame[(start + offset)..], saysNone ? (ushort)0xFFFF : sum);
        return true;
    }

    /// <summary>The sum of big-endian 16-bit words; an odd byte at the end counts as the high half of one.</summary>
    internal static ushort Sum(ReadOnlySpan<byte> bytes)
    {
        // Sums may be taken in the host's byte order, and by wider words: the carries fold back in.
        ReadOnlySpan<uint> words = MemoryMarshal.Cast<byte, uint>(bytes);
        ulong sum = 0;
        int i = 0;
        if (Vector.IsHardwareAccelerated && words.Length >= 4 * Vector<uint>.Count)
        {
            Vector<ulong> low = Vector<ulong>.Zero;
            Vector<ulong> high = Vector<ulong>.Zero;
            for (; i <= words.Length - Vector<uint>.Count; i += Vector<uint>.Count)
            {
                Vector.Widen(new Vector<uint>(words[i..]), out Vector<ulong> a, out Vector<ulong> b);
                low += a;
                high += b;
            }

            sum = Vector.Sum(low + high);
        }

        for (; i < words.Length; i++)
        {
            sum += words[i];
        }

        ReadOnlySpan<byte> rest = bytes[(words.Length * sizeof(uint))..];
        if (rest.Length >= 2)
        {
            sum += MemoryMarshal.Read<ushort>(rest);
            rest = rest[2..];
        }

        if (rest.Length > 0)
        {
            sum += rest[0];
        }

        sum = (sum & 0xFFFF_FFFF) + (sum >> 32);
        sum = (sum & 0xFFFF) + ((sum >> 16) & 0xFFFF) + (sum >> 32);
        sum = (sum & 0xFFFF) + (sum >> 16);
        sum = (sum & 0xFFFF) + (sum >> 16);
        return BinaryPrimitives.ReverseEndianness((ushort)sum);
    }
}
