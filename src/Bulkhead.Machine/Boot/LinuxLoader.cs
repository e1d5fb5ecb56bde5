using System.Buffers.Binary;
using System.Numerics;
using Bulkhead.Core.Memory;
using Bulkhead.Host;
using Bulkhead.Machine.Time;
using Bulkhead.X86.State;

namespace Bulkhead.Machine.Boot;

/// <summary>Starts a bzImage: at its decompressor's 64-bit entry, or unpacked already (<see cref="PayloadLoader"/>) at its own.</summary>
/// <remarks><i>Source</i>: Linux Documentation/arch/x86/boot.rst, 64-bit Boot Protocol; zero-page.rst.</remarks>
internal static class LinuxLoader
{
    private const int EntryOffset = 0x200;
    private const byte LoadedHigh = 1;
    private const byte Randomized = 2;
    private const ulong PagePresentWritable = 3;
    private const ulong PageLarge = 0x80;
    private const uint SetupRandomSeed = 9;
    private const int RandomSeedBytes = 32;

    /// <summary>Loads kernel, initial RAM disk, command line, zero page, page tables and GDT.</summary>
    internal static BootState Load(GuestMemory memory, BootRequest request)
    {
        ReadOnlySpan<byte> image = request.Kernel;
        LinuxSetupHeader header = LinuxSetupHeader.Parse(image, request.KernelName);
        ulong load = Place(memory, header, request.KernelName);
        ulong kernelEnd = load + Math.Max(header.InitSize, (uint)header.KernelLength);
        ReadOnlySpan<byte> payload = image.Slice(header.PayloadOffset, header.PayloadLength);
        bool unpacks = PayloadLoader.Knows(payload);
        bool randomizes = unpacks && request.Randomize && header.Relocatable && !request.CommandLine.Split(' ').Contains("nokaslr");
        ulong entry = load + EntryOffset;
        if (unpacks)
        {
            entry = PayloadLoader.Load(memory, payload, header, load, randomizes ? request.Random is { } seeded ? seeded.Next : PayloadLoader.HostRandom : null, request.KernelName);
        }
        else
        {
            LoaderWriter.Bytes(memory, load, image.Slice(header.KernelOffset, header.KernelLength));
        }

        ulong initrd = LoaderWriter.Initrd(memory, request.Initrd, kernelEnd, (ulong)header.InitrdAddressMax + 1);
        LoaderWriter.CommandLine(memory, request.CommandLine, header.CommandLineSize);
        LoaderWriter.BiosData(memory);
        WriteZeroPage(memory, request, header, load, initrd, randomizes);
        WritePageTables(memory);
        BootGdt.Write(memory, code64: true);

        return new BootState
        {
            Rip = entry,
            Rsi = BootLayout.ZeroPage,
            Code64 = true,
            Cr0 = Cr0.PE | Cr0.ET | Cr0.PG,
            Cr3 = BootLayout.PageTables,
            Cr4 = Cr4.PAE,
            Efer = Efer.LME | Efer.Lma,
        };
    }

    private static ulong Place(GuestMemory memory, LinuxSetupHeader header, string name)
    {
        ulong size = Math.Max(header.InitSize, (uint)header.KernelLength);
        ulong preferred = header.PreferredAddress;
        if (preferred >= BootLayout.HighMemory && memory.Contains(new Gpa(preferred), size))
        {
            return preferred;
        }

        ulong alignment = header.KernelAlignment;
        if (header.Relocatable && BitOperations.IsPow2(alignment))
        {
            ulong low = (BootLayout.HighMemory + alignment - 1) & ~(alignment - 1);
            if (memory.Contains(new Gpa(low), size))
            {
                return low;
            }
        }

        throw new OperatorException(
            $"{name}: the kernel needs {size >> 20} MiB from {preferred:x}; this machine has {memory.LowSizeBytes >> 20} MiB below 4 GiB. "
            + $"Give it at least {((preferred + size) >> 20) + 16} MiB.");
    }

    private static void WriteZeroPage(GuestMemory memory, BootRequest request, LinuxSetupHeader header, ulong load, ulong initrd, bool randomized)
    {
        Span<byte> page = stackalloc byte[4096];
        page.Clear();
        request.Kernel.Slice(LinuxSetupHeader.Start, header.End - LinuxSetupHeader.Start).CopyTo(page[LinuxSetupHeader.Start..]);

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
