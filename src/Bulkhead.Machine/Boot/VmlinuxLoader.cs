using System.Buffers.Binary;
using Bulkhead.Core.Memory;
using Bulkhead.Host;
using Bulkhead.Machine.Boot.Formats;

namespace Bulkhead.Machine.Boot;

/// <summary>Starts a Linux kernel as it was linked (vmlinux) at its 64-bit entry, with what a boot loader of a bzImage would hand over.</summary>
/// <remarks>The entry is the one a bzImage's own decompressor jumps to. <i>Source</i>: Linux Documentation/arch/x86/boot.rst, 64-bit Boot
/// Protocol; arch/x86/mm.rst for where the kernel's text is linked.</remarks>
internal static class VmlinuxLoader
{
    /// <summary>Where the kernel's text is linked, less where it is loaded.</summary>
    private const ulong KernelMap = 0xFFFF_FFFF_8000_0000;

    private const ushort Version = 0x20F;
    private const uint CommandLineSize = 2047;

    /// <summary>Whether the segment an ELF64 file is entered in is linked as Linux's text is: entered by its physical address, linked for
    /// the last 2 GiB.</summary>
    internal static bool Is(ReadOnlySpan<byte> image, ElfSegment[] segments)
    {
        if (!ElfImage.Is64(image))
        {
            return false;
        }

        ulong entry = ElfImage.Entry(image);
        return Array.Exists(segments, s => ElfImage.IsLoad(s) && entry - s.PhysicalAddress < s.FileSize && s.VirtualAddress - s.PhysicalAddress == KernelMap);
    }

    /// <summary>Loads segments and initial RAM disk, and prepares the entry.</summary>
    internal static BootState Load(GuestMemory memory, BootRequest request, ElfSegment[] segments)
    {
        ulong end = ElfLoader.Load(memory, request.Kernel, segments, BootLayout.HighMemory, request.KernelName);
        ulong initrd = LoaderWriter.Initrd(memory, request.Initrd, (end + 0xFFF) & ~0xFFFul, GuestMemory.HoleStart);
        ulong load = segments.Where(ElfImage.IsLoad).Min(static s => s.PhysicalAddress);
        Span<byte> setup = stackalloc byte[0x268 - LinuxSetupHeader.Start];
        setup.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(setup[(0x1FE - LinuxSetupHeader.Start)..], 0xAA55);
        "HdrS"u8.CopyTo(setup[(0x202 - LinuxSetupHeader.Start)..]);
        BinaryPrimitives.WriteUInt16LittleEndian(setup[(0x206 - LinuxSetupHeader.Start)..], Version);
        BinaryPrimitives.WriteUInt32LittleEndian(setup[(0x238 - LinuxSetupHeader.Start)..], CommandLineSize);
        return LinuxEntry.Prepare(memory, request, setup, CommandLineSize, load, initrd, randomized: false, code64: true) with { Rip = ElfImage.Entry(request.Kernel) };
    }
}
