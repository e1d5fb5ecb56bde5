using System.Buffers.Binary;
using Bulkhead.Core.Memory;
using Bulkhead.Machine.Time;
using Bulkhead.X86.State;

namespace Bulkhead.Machine.Boot;

/// <summary>What every Linux kernel finds at its entry, wherever it came from: zero page, command line, GDT; page tables at a 64-bit one.</summary>
/// <remarks><i>Source</i>: Linux Documentation/arch/x86/boot.rst, 32-bit Boot Protocol, 64-bit Boot Protocol; zero-page.rst.</remarks>
internal static class LinuxEntry
{
    private const byte LoadedHigh = 1;
    private const byte Randomized = 2;
    private const ulong PagePresentWritable = 3;
    private const ulong PageLarge = 0x80;
    private const uint SetupRandomSeed = 9;
    private const int RandomSeedBytes = 32;
    private const byte VideoFirmware = 0x70;
    private const uint VideoWideBase = 2;

    /// <summary>Writes all of it and gives the state of the boot processor; where it begins is the caller's.</summary>
    /// <param name="memory">The RAM.</param>
    /// <param name="request">What is to be started.</param>
    /// <param name="setup">The kernel's setup header, from <see cref="LinuxSetupHeader.Start"/> on.</param>
    /// <param name="commandLineSize">The longest command line the kernel takes.</param>
    /// <param name="load">Where it was loaded.</param>
    /// <param name="initrd">Where its initial RAM disk lies, or 0.</param>
    /// <param name="randomized">Whether its virtual address was chosen at random.</param>
    /// <param name="code64">Whether it is entered in 64-bit mode; else in 32-bit mode without paging.</param>
    internal static BootState Prepare(
        GuestMemory memory, BootRequest request, ReadOnlySpan<byte> setup, uint commandLineSize, ulong load, ulong initrd, bool randomized, bool code64)
    {
        LoaderWriter.CommandLine(memory, request.LinuxCommandLine, commandLineSize);
        LoaderWriter.BiosData(memory);
        WriteZeroPage(memory, request, setup, load, initrd, randomized);
        BootGdt.Write(memory, BootLayout.Gdt, code64);
        if (!code64)
        {
            return new BootState { Rip = 0, Rsi = BootLayout.ZeroPage, Cr0 = Cr0.PE | Cr0.ET };
        }

        WritePageTables(memory);
        return new BootState
        {
            Rip = 0,
            Rsi = BootLayout.ZeroPage,
            Code64 = true,
            Cr0 = Cr0.PE | Cr0.ET | Cr0.PG,
            Cr3 = BootLayout.PageTables,
            Cr4 = Cr4.PAE,
            Efer = Efer.LME | Efer.Lma,
        };
    }

    private static void WriteZeroPage(GuestMemory memory, BootRequest request, ReadOnlySpan<byte> setup, ulong load, ulong initrd, bool randomized)
    {
        Span<byte> page = stackalloc byte[4096];
        page.Clear();
        setup.CopyTo(page[LinuxSetupHeader.Start..]);

        if (request.Screen is { } screen)
        {
            WriteScreen(page, screen);
        }

        BinaryPrimitives.WriteUInt64LittleEndian(page[0x070..], request.Rsdp.Value);
        page[0x210] = 0xFF;
        page[0x211] |= (byte)(LoadedHigh | (randomized ? Randomized : 0));
        BinaryPrimitives.WriteUInt32LittleEndian(page[0x214..], (uint)load);
        BinaryPrimitives.WriteUInt32LittleEndian(page[0x218..], (uint)initrd);
        BinaryPrimitives.WriteUInt32LittleEndian(page[0x21C..], (uint)request.Initrd.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(page[0x228..], (uint)BootLayout.CommandLine);

        if (request.Random is { } random)
        {
            WriteRandomSeed(memory, random);
            BinaryPrimitives.WriteUInt64LittleEndian(page[0x250..], BootLayout.RandomSeed);
        }

        E820Entry[] map = MemoryMap.Of(memory);
        page[0x1E8] = (byte)map.Length;
        for (int i = 0; i < map.Length; i++)
        {
            Span<byte> entry = page.Slice(0x2D0 + (i * 20), 20);
            BinaryPrimitives.WriteUInt64LittleEndian(entry, map[i].Start);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[8..], map[i].Length);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[16..], (uint)map[i].Type);
        }

        LoaderWriter.Bytes(memory, BootLayout.ZeroPage, page);
    }

    // As a framebuffer that firmware set up, for which Debian's kernels have a driver built in (efifb).
    // Source: Linux include/uapi/linux/screen_info.h.
    private static void WriteScreen(Span<byte> page, BootScreen screen)
    {
        page[0x0F] = VideoFirmware;
        BinaryPrimitives.WriteUInt16LittleEndian(page[0x12..], (ushort)screen.Width);
        BinaryPrimitives.WriteUInt16LittleEndian(page[0x14..], (ushort)screen.Height);
        BinaryPrimitives.WriteUInt16LittleEndian(page[0x16..], 32);
        BinaryPrimitives.WriteUInt32LittleEndian(page[0x18..], (uint)screen.Address);
        BinaryPrimitives.WriteUInt32LittleEndian(page[0x1C..], (uint)screen.SizeBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(page[0x24..], (ushort)screen.PitchBytes);
        ((ReadOnlySpan<byte>)[8, 16, 8, 8, 8, 0, 8, 24]).CopyTo(page[0x26..]); // size and place of red, green, blue, nothing
        BinaryPrimitives.WriteUInt32LittleEndian(page[0x36..], VideoWideBase);
        BinaryPrimitives.WriteUInt32LittleEndian(page[0x3A..], (uint)(screen.Address >> 32));
    }

    // The one setup_data: what the kernel starts its random numbers from, where its processor offers none.
    private static void WriteRandomSeed(GuestMemory memory, SeededRandom random)
    {
        Span<byte> data = stackalloc byte[16 + RandomSeedBytes];
        data.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(data[8..], SetupRandomSeed);
        BinaryPrimitives.WriteUInt32LittleEndian(data[12..], RandomSeedBytes);
        random.Fill(data[16..]);
        LoaderWriter.Bytes(memory, BootLayout.RandomSeed, data);
    }

    // 2 MiB pages, because 1 GiB pages are a CPUID feature the model may lack.
    private static void WritePageTables(GuestMemory memory)
    {
        const ulong Pml4 = BootLayout.PageTables;
        const ulong Pdpt = Pml4 + 0x1000;
        const ulong Directories = Pml4 + 0x2000;
        LoaderWriter.Zero(memory, Pml4, 0x2000);
        LoaderWriter.UInt64(memory, Pml4, Pdpt | PagePresentWritable);
        Span<byte> directory = stackalloc byte[4096];
        for (ulong gib = 0; gib < 4; gib++)
        {
            LoaderWriter.UInt64(memory, Pdpt + (gib * 8), (Directories + (gib * 0x1000)) | PagePresentWritable);
            for (int i = 0; i < 512; i++)
            {
                ulong address = (gib << 30) | ((ulong)i << 21);
                BinaryPrimitives.WriteUInt64LittleEndian(directory[(i * 8)..], address | PagePresentWritable | PageLarge);
            }

            LoaderWriter.Bytes(memory, Directories + (gib * 0x1000), directory);
        }
    }
}
