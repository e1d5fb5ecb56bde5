using System.Buffers.Binary;
using Bulkhead.Core.Memory;
using Bulkhead.Machine.Boot.Formats;
using Bulkhead.X86.State;

namespace Bulkhead.Machine.Boot;

/// <summary>Starts an ELF kernel at its PVH entry: 32-bit protected mode, paging off, EBX = start info.</summary>
/// <remarks><i>Source</i>: Xen docs/misc/pvh.pandoc, PVH Specification; xen/include/public/arch-x86/hvm/start_info.h.</remarks>
internal static class PvhLoader
{
    private const uint Magic = 0x336E_C578;

    /// <summary>Loads segments by physical address, start info, command line and module.</summary>
    internal static BootState Load(GuestMemory memory, BootRequest request, ElfSegment[] segments, ulong entry)
    {
        ReadOnlySpan<byte> image = request.Kernel;
        ulong end = ElfLoader.Load(memory, image, segments, BootLayout.HighMemory, request.KernelName);
        ulong initrd = LoaderWriter.Initrd(memory, request.Initrd, (end + 0xFFF) & ~0xFFFul, GuestMemory.HoleStart);
        LoaderWriter.CommandLine(memory, request.LinuxCommandLine, BootLayout.CommandLineMax - 1);
        LoaderWriter.BiosData(memory);
        WriteStartInfo(memory, request, initrd);
        BootGdt.Write(memory, BootLayout.Gdt, code64: false);
        return new BootState { Rip = (uint)entry, Rbx = BootLayout.StartInfo, Cr0 = Cr0.PE | Cr0.ET };
    }

    private static void WriteStartInfo(GuestMemory memory, BootRequest request, ulong initrd)
    {
        E820Entry[] map = MemoryMap.Of(memory);
        Span<byte> info = stackalloc byte[56];
        info.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(info, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(info[4..], 1);
        if (initrd != 0)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(info[12..], 1);
            BinaryPrimitives.WriteUInt64LittleEndian(info[16..], BootLayout.StartInfoModules);
        }

        BinaryPrimitives.WriteUInt64LittleEndian(info[24..], BootLayout.CommandLine);
        BinaryPrimitives.WriteUInt64LittleEndian(info[32..], request.Rsdp.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(info[40..], BootLayout.StartInfoMap);
        BinaryPrimitives.WriteUInt32LittleEndian(info[48..], (uint)map.Length);
        LoaderWriter.Bytes(memory, BootLayout.StartInfo, info);

        Span<byte> module = stackalloc byte[32];
        module.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(module, initrd);
        BinaryPrimitives.WriteUInt64LittleEndian(module[8..], (ulong)request.Initrd.Length);
        LoaderWriter.Bytes(memory, BootLayout.StartInfoModules, module);

        Span<byte> entry = stackalloc byte[24];
        entry.Clear();
        for (int i = 0; i < map.Length; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(entry, map[i].Start);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[8..], map[i].Length);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[16..], (uint)map[i].Type);
            LoaderWriter.Bytes(memory, BootLayout.StartInfoMap + ((ulong)i * 24), entry);
        }
    }
}
