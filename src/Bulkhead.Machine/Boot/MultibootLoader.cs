using Bulkhead.Core.Memory;
using Bulkhead.Host;
using Bulkhead.Machine.Boot.Formats;
using Bulkhead.X86.State;

namespace Bulkhead.Machine.Boot;

/// <summary>Starts a Multiboot kernel: 32-bit protected mode, paging off, EAX = magic number, EBX = information.</summary>
/// <remarks>
/// <para>The kernel's command line and the words of each module begin with the file's name, as kernels are used to.</para>
/// <para><i>Source</i>: Multiboot Specification 0.6.96, 3.1.3 The address fields of Multiboot header, 3.2 Machine state, 3.3 Boot
/// information format.</para>
/// </remarks>
internal static class MultibootLoader
{
    private const ulong Magic = 0x2BAD_B002;
    private const ulong PageBytes = 4096;

    /// <summary>Loads the kernel, modules behind it, and the information.</summary>
    internal static BootState Load(GuestMemory memory, BootRequest request, MultibootHeader header)
    {
        if (header.Unknown != 0)
        {
            throw KernelImage.Refuse(
                request.KernelName, $"a Multiboot kernel that needs what this boot loader does not know (flags {header.Flags:x} at {header.Offset + 4:x}h, unknown {header.Unknown:x}): Multiboot 0.6.96 has nothing of that kind");
        }

        ElfSegment[] ranges = header.HasAddresses ? [Addressed(request, header)] : Segments(request);
        ulong entry = header.HasAddresses ? header.Entry : Entry(request.Kernel, ranges);
        if (!Array.Exists(ranges, s => entry - s.PhysicalAddress < s.MemorySize) || entry > uint.MaxValue)
        {
            throw KernelImage.Refuse(request.KernelName, $"a Multiboot kernel that is entered at {entry:x}, which is in none of its segments");
        }

        ulong end = PageUp(ElfLoader.Load(memory, request.Kernel, ranges, BootLayout.BiosDataEnd, request.KernelName));
        LoaderWriter.BiosData(memory);
        var modules = new List<(ulong Start, ulong End, string Words)>();
        foreach (BootModule module in request.Modules)
        {
            modules.Add(Put(memory, module, end));
            end = PageUp(modules[^1].End);
        }

        E820Entry[] map = MemoryMap.Of(memory);
        string line = Named(request.KernelName, request.CommandLine);
        ulong size = (ulong)MultibootInfo.Build(0, map, memory.LowSizeBytes, line, request.Screen, modules).Length;
        ulong at = Room(memory, ranges, size, end, request.KernelName);
        LoaderWriter.Bytes(memory, at, MultibootInfo.Build(at, map, memory.LowSizeBytes, line, request.Screen, modules));
        BootGdt.Write(memory, at, code64: false);
        return new BootState { Rip = entry, Rax = Magic, Rbx = at + MultibootInfo.Offset, Cr0 = Cr0.PE | Cr0.ET, Gdt = at };
    }

    /// <summary>The one range that the address fields speak of.</summary>
    private static ElfSegment Addressed(BootRequest request, MultibootHeader header)
    {
        // Where the file's part begins: as far before the header as in memory.
        long before = (long)header.HeaderAddress - header.LoadAddress;
        long offset = header.Offset - before;
        long length = header.LoadEnd == 0 ? request.Kernel.Length - offset : (long)header.LoadEnd - header.LoadAddress;
        long size = header.BssEnd == 0 ? length : (long)header.BssEnd - header.LoadAddress;
        if (before < 0 || offset < 0 || length <= 0 || length > request.Kernel.Length - offset || size < length)
        {
            throw KernelImage.Refuse(
                request.KernelName,
                $"a Multiboot kernel whose address fields (at {header.Offset + 12:x}h: header {header.HeaderAddress:x}, load {header.LoadAddress:x} to {header.LoadEnd:x}, "
                + $"bss to {header.BssEnd:x}) do not fit a file of {request.Kernel.Length} bytes with the header at {header.Offset:x}h");
        }

        return ElfImage.Load((ulong)offset, header.LoadAddress, (ulong)length, (ulong)size);
    }

    private static ElfSegment[] Segments(BootRequest request)
    {
        if (!ElfImage.IsElf(request.Kernel))
        {
            throw KernelImage.Refuse(request.KernelName, "a Multiboot header without address fields (flag 16) in a file that is not ELF");
        }

        return ElfImage.Refusal(request.Kernel) is { } refusal ? throw KernelImage.Refuse(request.KernelName, refusal)
            : ElfImage.TryPrograms(request.Kernel, out ElfSegment[] segments) ? [.. segments.Where(ElfImage.IsLoad)] : [];
    }

    /// <summary>The entry as a physical address: kernels that run elsewhere than they are loaded may name it by either.</summary>
    private static ulong Entry(ReadOnlySpan<byte> image, ElfSegment[] segments)
    {
        ulong entry = ElfImage.Entry(image);
        foreach (ElfSegment s in segments)
        {
            if (entry - s.VirtualAddress < s.MemorySize)
            {
                return entry - s.VirtualAddress + s.PhysicalAddress;
            }
        }

        return entry;
    }

    private static (ulong Start, ulong End, string Words) Put(GuestMemory memory, BootModule module, ulong at)
    {
        ulong length = (ulong)module.Bytes.Span.Length;
        if (length > memory.LowSizeBytes - Math.Min(at, memory.LowSizeBytes))
        {
            throw new OperatorException(
                $"{module.Path}: the module ({length >> 10} KiB) does not fit behind what is loaded before it, up to {at:x}; "
                + $"give the machine at least {((at + length) >> 20) + 16} MiB of memory.");
        }

        LoaderWriter.Bytes(memory, at, module.Bytes.Span);
        return (at, at + length, Named(module.Path, module.Words));
    }

    /// <summary>Where the information fits: low, but not where the kernel lies, or else behind everything.</summary>
    private static ulong Room(GuestMemory memory, ElfSegment[] ranges, ulong size, ulong end, string name)
    {
        ulong at = BootLayout.Multiboot;
        foreach (ElfSegment s in ranges.OrderBy(static s => s.PhysicalAddress))
        {
            if (s.PhysicalAddress < at + size && at < s.PhysicalAddress + s.MemorySize)
            {
                at = PageUp(s.PhysicalAddress + s.MemorySize);
            }
        }

        if (at + size <= BootLayout.Ebda)
        {
            return at;
        }

        return size <= memory.LowSizeBytes - Math.Min(end, memory.LowSizeBytes) ? end : throw new OperatorException(
            $"{name}: there is no room for the command line and the list of modules ({size} bytes) behind what is loaded up to {end:x}; give the machine more memory.");
    }

    private static string Named(string path, string words) => words.Length == 0 ? Path.GetFileName(path) : $"{Path.GetFileName(path)} {words}";

    private static ulong PageUp(ulong address) => (address + PageBytes - 1) & ~(PageBytes - 1);
}
