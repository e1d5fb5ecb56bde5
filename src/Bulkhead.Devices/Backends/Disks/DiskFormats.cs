using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Bulkhead.Devices.Backends.Disks;

/// <summary>The names of formats, and telling them by what a file begins with.</summary>
public static class DiskFormats
{
    /// <summary>How many bytes <see cref="Detect"/> looks at.</summary>
    internal const int SignatureBytes = 512;

    private static readonly (string Name, DiskFormat Format)[] s_names =
    [
        ("raw", DiskFormat.Raw), ("qcow2", DiskFormat.Qcow2), ("vmdk", DiskFormat.Vmdk), ("vdi", DiskFormat.Vdi),
    ];

    /// <summary>All names.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. s_names.Select(static n => n.Name)];

    /// <summary>The name of a format.</summary>
    public static string NameOf(DiskFormat format) => s_names[(int)format].Name;

    /// <summary>Finds a format by its name.</summary>
    public static bool TryParse([NotNullWhen(true)] string? name, out DiskFormat format)
    {
        int index = Array.FindIndex(s_names, n => n.Name == name);
        format = s_names[Math.Max(index, 0)].Format;
        return index >= 0;
    }

    /// <summary>The format of a file that begins like this; raw where nothing else is known.</summary>
    internal static DiskFormat Detect(ReadOnlySpan<byte> head) =>
        head.Length >= 4 && BinaryPrimitives.ReadUInt32BigEndian(head) == 0x514649fb ? DiskFormat.Qcow2
        : head.StartsWith("KDMV"u8) || IsDescriptor(head) ? DiskFormat.Vmdk
        : head.Length >= 68 && BinaryPrimitives.ReadUInt32LittleEndian(head[64..]) == 0xbeda107f ? DiskFormat.Vdi
        : DiskFormat.Raw;

    // A text that may begin with comments and empty lines.
    private static bool IsDescriptor(ReadOnlySpan<byte> head) => head.TrimStart(" \t\r\n"u8).StartsWith("# Disk DescriptorFile"u8);
}
