using Bulkhead.Machine.Acpi;

namespace Bulkhead.Machine.Smbios;

/// <summary>Appends the fields of one structure, and the strings that they name by number.</summary>
/// <remarks><i>Source</i>: DSP0134 3.7, 6.1.2 Structure header format, 6.1.3 Text strings.</remarks>
internal sealed class SmbiosStructure(byte type, ushort handle)
{
    private const int HeaderBytes = 4;
    private readonly List<string> _strings = [];

    /// <summary>The fields behind the header.</summary>
    internal TableWriter Fields { get; } = new();

    /// <summary>The number of a string.</summary>
    internal byte Text(string ascii)
    {
        _strings.Add(ascii);
        return (byte)_strings.Count;
    }

    /// <summary>The structure with header and strings.</summary>
    internal byte[] Finish()
    {
        TableWriter writer = new TableWriter().U8(type).U8((byte)(HeaderBytes + Fields.Length)).U16(handle).Bytes(Fields.ToArray());
        foreach (string text in _strings)
        {
            _ = writer.Text(text).U8(0);
        }

        return writer.Zeros(_strings.Count == 0 ? 2 : 1).ToArray();
    }
}
