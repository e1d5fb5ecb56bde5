using System.Globalization;
using System.Text;

namespace Bulkhead.Images.Tests;

/// <summary>Reads a cpio archive in the "new ASCII" format, as far as tests need it.</summary>
internal static class CpioReader
{
    private const int HeaderSize = 110;

    internal static IReadOnlyList<CpioEntry> Read(byte[] archive)
    {
        var entries = new List<CpioEntry>();
        int at = 0;
        while (true)
        {
            int start = at;
            uint Field(int index) => uint.Parse(Encoding.ASCII.GetString(archive, start + 6 + (8 * index), 8), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            int size = (int)Field(6);
            int nameSize = (int)Field(11);
            string name = Encoding.UTF8.GetString(archive, at + HeaderSize, nameSize - 1);
            if (name == "TRAILER!!!")
            {
                return entries;
            }

            at = Align(at + HeaderSize + nameSize);
            entries.Add(new CpioEntry(name, Field(1), archive[at..(at + size)]));
            at = Align(at + size);
        }
    }

    private static int Align(int offset) => (offset + 3) & ~3;
}
