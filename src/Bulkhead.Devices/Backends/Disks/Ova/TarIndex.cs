using System.Buffers.Binary;
using System.Text;
using Bulkhead.Host;

namespace Bulkhead.Devices.Backends.Disks.Ova;

/// <summary>Finds the files in a tar archive, which stand there whole.</summary>
/// <remarks>
/// <code>0 name (100), 124 length in octal (12), or in binary where the first bit is set, 156 kind, 257 "ustar", 345 folder (155)</code>
/// <para><i>Source</i>: POSIX.1-2017, pax, "ustar Interchange Format".</para>
/// </remarks>
internal static class TarIndex
{
    private const int BlockBytes = 512;
    private const int MostEntries = 1024;

    /// <summary>Whether a file begins like an archive.</summary>
    internal static bool IsArchive(ReadOnlySpan<byte> head) => head.Length >= BlockBytes && head.Slice(257, 5).SequenceEqual("ustar"u8);

    /// <summary>Reads where the archive's plain files stand.</summary>
    internal static IReadOnlyList<TarEntry> Read(IImageFile file)
    {
        var entries = new List<TarEntry>();
        byte[] head = new byte[BlockBytes];
        for (long at = 0; at <= file.LengthBytes - BlockBytes && entries.Count < MostEntries;)
        {
            if (file.Read(at, head) != DiskResult.Ok)
            {
                throw new OperatorException($"{file.Name} cannot be read at byte {at}; check the host's disk.");
            }

            if (!IsArchive(head))
            {
                break;
            }

            long length = LengthOf(head);
            at += BlockBytes;
            if (length < 0 || length > file.LengthBytes - at)
            {
                throw new OperatorException($"{file.Name} ends inside a file that it holds; copy it again from where it came.");
            }

            // Plain files; others (folders, names of the next file) are passed over.
            if (head[156] is 0 or (byte)'0')
            {
                entries.Add(new TarEntry(Text(head, 345, 155) is { Length: > 0 } folder ? $"{folder}/{Text(head, 0, 100)}" : Text(head, 0, 100), at, length));
            }

            at += (length + BlockBytes - 1) & -BlockBytes;
        }

        return entries;
    }

    private static string Text(byte[] head, int at, int most)
    {
        ReadOnlySpan<byte> bytes = head.AsSpan(at, most);
        int end = bytes.IndexOf((byte)0);
        return new string([.. Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]).Where(static c => !char.IsControl(c))]);
    }

    private static long LengthOf(byte[] head)
    {
        ReadOnlySpan<byte> bytes = head.AsSpan(124, 12);
        if ((bytes[0] & 0x80) != 0)
        {
            return BinaryPrimitives.ReadInt64BigEndian(bytes[4..]);
        }

        long length = 0;
        foreach (byte b in bytes)
        {
            if (b is >= (byte)'0' and <= (byte)'7')
            {
                length = (length * 8) + b - '0';
            }
        }

        return length;
    }
}
