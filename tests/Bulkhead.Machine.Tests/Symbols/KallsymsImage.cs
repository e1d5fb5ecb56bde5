using System.Buffers.Binary;
using System.Text;

namespace Bulkhead.Machine.Tests.Symbols;

/// <summary>Kallsyms tables as scripts/kallsyms.c lays them out.</summary>
internal static class KallsymsImage
{
    internal const ulong Base = 0xFFFF_FFFF_9200_0000;

    // A token of several letters, as the script makes for frequent ones.
    private const byte SysToken = 1;

    /// <summary>Symbols sorted by address; the first two are per-CPU ones, at 0 and 0x40.</summary>
    internal static (ulong Address, string Name)[] Symbols(int count) =>
    [
        .. Enumerable.Range(0, count).Select(static i => i < 2
            ? ((ulong)i * 0x40, $"Apercpu_{i}")
            : (Base + ((ulong)(i - 2) * 0x20), i == 300 ? "T" + new string('l', 200) : $"Tsys_number_{i}")),
    ];

    internal static byte[] Build((ulong Address, string Name)[] symbols, bool seqs, bool offsetsLast)
    {
        var image = new MemoryStream();
        byte[] offsets = [.. symbols.SelectMany(static s => BitConverter.GetBytes((int)(s.Address < Base ? s.Address : Base - 1 - s.Address)))];
        if (!offsetsLast)
        {
            Part(image, offsets);
            Part(image, BitConverter.GetBytes(Base));
        }

        Part(image, BitConverter.GetBytes(symbols.Length));
        (byte[] names, byte[] markers) = Names(symbols);
        Part(image, names);
        Part(image, markers);
        byte[] order = [.. Enumerable.Range(0, symbols.Length).SelectMany(static i => new byte[] { (byte)(i >> 16), (byte)(i >> 8), (byte)i })];
        if (seqs)
        {
            Part(image, order);
        }

        (byte[] tokens, byte[] index) = Tokens();
        Part(image, tokens);
        Part(image, index);
        if (offsetsLast)
        {
            Part(image, offsets);
            Part(image, BitConverter.GetBytes(Base));
            Part(image, order);
        }

        return image.ToArray();
    }

    private static (byte[] Names, byte[] Markers) Names((ulong Address, string Name)[] symbols)
    {
        var names = new List<byte>();
        var markers = new List<byte>();
        for (int i = 0; i < symbols.Length; i++)
        {
            if (i % 256 == 0)
            {
                markers.AddRange(BitConverter.GetBytes(names.Count));
            }

            byte[] coded = Encoding.ASCII.GetBytes(symbols[i].Name.Replace("sys_", "\u0001", StringComparison.Ordinal));
            names.AddRange(coded.Length < 0x80 ? [(byte)coded.Length] : [(byte)((coded.Length & 0x7F) | 0x80), (byte)(coded.Length >> 7)]);
            names.AddRange(coded);
        }

        return ([.. names], [.. markers]);
    }

    private static (byte[] Tokens, byte[] Index) Tokens()
    {
        var tokens = new List<byte>();
        byte[] index = new byte[512];
        for (int i = 0; i < 256; i++)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(index.AsSpan(2 * i), (ushort)tokens.Count);
            string token = i == SysToken ? "sys_" : i is > 0x20 and < 0x7F ? ((char)i).ToString() : $"t{i}";
            tokens.AddRange([.. Encoding.ASCII.GetBytes(token), 0]);
        }

        return ([.. tokens], index);
    }

    private static void Part(MemoryStream image, ReadOnlySpan<byte> bytes)
    {
        image.Write(bytes);
        image.Write(new byte[-image.Length & 7]);
    }
}
