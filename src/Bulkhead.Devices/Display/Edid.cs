using System.Buffers.Binary;
using System.Text;

namespace Bulkhead.Devices.Display;

/// <summary>What a monitor says of itself: which mode it prefers, and its name.</summary>
/// <remarks><i>Source</i>: VESA Enhanced EDID Standard, Release A, Revision 2, 3 EDID Structure 1.4.</remarks>
internal static class Edid
{
    /// <summary>The size of the structure.</summary>
    internal const int Bytes = 128;

    private const int RefreshHz = 60;
    private const int DotsPerInch = 96;
    private const int DescriptorBytes = 18;
    private const int FirstDescriptor = 54;

    /// <summary>Makes it for a mode of at most 4095 by 4095 pixels.</summary>
    internal static byte[] Build(int width, int height)
    {
        byte[] edid = new byte[Bytes];
        ((ReadOnlySpan<byte>)[0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0]).CopyTo(edid);
        BinaryPrimitives.WriteUInt16BigEndian(edid.AsSpan(8), Letters("BLK"));
        BinaryPrimitives.WriteUInt16LittleEndian(edid.AsSpan(10), 1);
        (edid[17], edid[18], edid[19]) = (2026 - 1990, 1, 4);
        edid[20] = 0xA5; // digital, 8 bits a color, DisplayPort
        edid[21] = (byte)Math.Clamp(Centimeters(width), 1, 255);
        edid[22] = (byte)Math.Clamp(Centimeters(height), 1, 255);
        edid[23] = 120;  // gamma 2.2
        edid[24] = 0x06; // sRGB; the first descriptor is the native mode

        // sRGB's primaries and white point, ten bits each.
        ((ReadOnlySpan<byte>)[0xEE, 0x91, 0xA3, 0x54, 0x4C, 0x99, 0x26, 0x0F, 0x50, 0x54]).CopyTo(edid.AsSpan(25));
        edid.AsSpan(38, 16).Fill(1); // no standard timings
        Timing(edid.AsSpan(FirstDescriptor), width, height);
        Text(edid.AsSpan(FirstDescriptor + DescriptorBytes), 0xFC, "Bulkhead");
        for (int i = 2; i < 4; i++)
        {
            edid[FirstDescriptor + (i * DescriptorBytes) + 3] = 0x10; // no descriptor
        }

        edid[^1] = (byte)-edid.Sum(static b => b);
        return edid;
    }

    private static ushort Letters(string text) => (ushort)(((text[0] - '@') << 10) | ((text[1] - '@') << 5) | (text[2] - '@'));

    private static int Centimeters(int pixels) => pixels * 254 / (DotsPerInch * 100);

    private static void Timing(Span<byte> d, int width, int height)
    {
        int blankX = width / 4, blankY = Math.Max(height / 32, 8), frontX = blankX / 4, syncX = blankX / 4;
        const int frontY = 2, syncY = 4;
        int clock = checked((width + blankX) * (height + blankY) / 10_000 * RefreshHz);
        BinaryPrimitives.WriteUInt16LittleEndian(d, (ushort)Math.Min(clock, ushort.MaxValue));
        d[2] = (byte)width;
        d[3] = (byte)blankX;
        d[4] = (byte)(((width >> 8) << 4) | (blankX >> 8));
        d[5] = (byte)height;
        d[6] = (byte)blankY;
        d[7] = (byte)(((height >> 8) << 4) | (blankY >> 8));
        d[8] = (byte)frontX;
        d[9] = (byte)syncX;
        d[10] = (frontY << 4) | syncY;
        d[11] = (byte)(((frontX >> 8) << 6) | ((syncX >> 8) << 4));
        int millimetersX = width * 254 / (DotsPerInch * 10), millimetersY = height * 254 / (DotsPerInch * 10);
        d[12] = (byte)millimetersX;
        d[13] = (byte)millimetersY;
        d[14] = (byte)(((millimetersX >> 8) << 4) | (millimetersY >> 8));
        d[17] = 0x1A; // digital separate syncs, the vertical one negative, the horizontal one positive
    }

    private static void Text(Span<byte> d, byte kind, string text)
    {
        d[3] = kind;
        d[5..DescriptorBytes].Fill((byte)' ');
        int length = Encoding.ASCII.GetBytes(text, d[5..]);
        d[5 + length] = (byte)'\n';
    }
}
