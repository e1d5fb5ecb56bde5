using System.Buffers.Binary;
using System.Text;

namespace Bulkhead.Machine.Boot;

/// <summary>All a Multiboot kernel is told, in one piece: the information, the memory map, the list of modules, the texts.</summary>
/// <remarks>
/// <code>
/// 000  descriptor table, TSS
/// 180  information
/// 200  memory map, 24 bytes an entry
///      modules, 16 bytes each
///      texts, each with a zero behind it: command line, the boot loader's name, words of each module
/// </code>
/// <i>Source</i>: Multiboot Specification 0.6.96, 3.3 Boot information format.
/// </remarks>
internal static class MultibootInfo
{
    /// <summary>Where the information stands in the piece.</summary>
    internal const uint Offset = 0x180;

    private const int MapAt = 0x200;
    private const int MapEntryBytes = 24;
    private const int ModuleBytes = 16;
    private const uint HasMemory = 1;
    private const uint HasCommandLine = 1 << 2;
    private const uint HasModules = 1 << 3;
    private const uint HasMap = 1 << 6;
    private const uint HasLoaderName = 1 << 9;
    private const uint HasFramebuffer = 1 << 12;
    private const byte FramebufferRgb = 1;

    /// <summary>Makes the piece for the address it is put at; its length is the same for any.</summary>
    /// <param name="at">That address.</param>
    /// <param name="map">The memory map.</param>
    /// <param name="memoryEnd">Where RAM ends that begins at 1 MiB.</param>
    /// <param name="commandLine">The kernel's command line.</param>
    /// <param name="screen">The framebuffer, or null.</param>
    /// <param name="modules">Where the modules lie, and their words.</param>
    internal static byte[] Build(ulong at, E820Entry[] map, ulong memoryEnd, string commandLine, BootScreen? screen, IReadOnlyList<(ulong Start, ulong End, string Words)> modules)
    {
        int modulesAt = MapAt + (map.Length * MapEntryBytes);
        int textsAt = modulesAt + (modules.Count * ModuleBytes);
        var texts = new MemoryStream();
        byte[] head = new byte[textsAt];
        Span<byte> info = head.AsSpan((int)Offset);
        Put(info, 0, HasMemory | HasCommandLine | HasModules | HasMap | HasLoaderName);
        Put(info, 4, BootLayout.Ebda >> 10);
        Put(info, 8, (memoryEnd - BootLayout.HighMemory) >> 10);
        Put(info, 16, Text(commandLine));
        Put(info, 20, (ulong)modules.Count);
        Put(info, 24, at + (ulong)modulesAt);
        Put(info, 44, (ulong)map.Length * MapEntryBytes);
        Put(info, 48, at + MapAt);
        Put(info, 64, Text("Bulkhead"));
        if (screen is not null)
        {
            Put(info, 0, HasMemory | HasCommandLine | HasModules | HasMap | HasLoaderName | HasFramebuffer);
            BinaryPrimitives.WriteUInt64LittleEndian(info[88..], screen.Address);
            Put(info, 96, (ulong)screen.PitchBytes);
            Put(info, 100, (ulong)screen.Width);
            Put(info, 104, (ulong)screen.Height);
            ((ReadOnlySpan<byte>)[32, FramebufferRgb, 16, 8, 8, 8, 0, 8]).CopyTo(info[108..]); // bits; place and size of red, green, blue
        }

        for (int i = 0; i < map.Length; i++)
        {
            // The size of an entry does not count itself.
            Span<byte> entry = head.AsSpan(MapAt + (i * MapEntryBytes), MapEntryBytes);
            Put(entry, 0, MapEntryBytes - sizeof(uint));
            BinaryPrimitives.WriteUInt64LittleEndian(entry[4..], map[i].Start);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[12..], map[i].Length);
            Put(entry, 20, (uint)map[i].Type);
        }

        for (int i = 0; i < modules.Count; i++)
        {
            Span<byte> entry = head.AsSpan(modulesAt + (i * ModuleBytes), ModuleBytes);
            Put(entry, 0, modules[i].Start);
            Put(entry, 4, modules[i].End);
            Put(entry, 8, Text(modules[i].Words));
        }

        return [.. head, .. texts.ToArray()];

        ulong Text(string text)
        {
            ulong address = at + (ulong)textsAt + (ulong)texts.Length;
            texts.Write([.. Encoding.UTF8.GetBytes(text), 0]);
            return address;
        }
    }

    private static void Put(Span<byte> bytes, int offset, ulong value) => BinaryPrimitives.WriteUInt32LittleEndian(bytes[offset..], checked((uint)value));
}
