using System.Diagnostics;
using System.Text;
using Bulkhead.Core.Memory;
using Bulkhead.Host;

namespace Bulkhead.Machine.Boot;

/// <summary>Writes of loaders to guest RAM; a range the loader chose must be RAM, so a refusal is our bug.</summary>
internal static class LoaderWriter
{
    private const int Large = 0x1_0000;
    private static readonly byte[] s_zeros = new byte[0x1_0000];

    internal static void Bytes(GuestMemory memory, ulong address, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length >= Large)
        {
            memory.Populate(new Gpa(address), (ulong)bytes.Length);
        }

        if (!memory.TryWrite(new Gpa(address), bytes))
        {
            throw new UnreachableException($"The loader chose [{address:x}, +{bytes.Length:x}), which is not RAM.");
        }
    }

    internal static void UInt64(GuestMemory memory, ulong address, ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        Bytes(memory, address, bytes);
    }

    internal static void Zero(GuestMemory memory, ulong address, ulong length)
    {
        while (length > 0)
        {
            int n = (int)Math.Min(length, (ulong)s_zeros.Length);
            Bytes(memory, address, s_zeros.AsSpan(0, n));
            address += (ulong)n;
            length -= (ulong)n;
        }
    }

    /// <summary>Writes the command line with its terminating zero.</summary>
    internal static void CommandLine(GuestMemory memory, string commandLine, uint maxBytes)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(commandLine);
        uint most = Math.Min(maxBytes, BootLayout.CommandLineMax - 1);
        if ((uint)bytes.Length > most)
        {
            throw new OperatorException($"The kernel command line has {bytes.Length} bytes; this kernel takes {most}. Shorten it.", 2);
        }

        Bytes(memory, BootLayout.CommandLine, bytes);
        Bytes(memory, BootLayout.CommandLine + (ulong)bytes.Length, [0]);
    }

    /// <summary>Writes what a BIOS leaves in its data area: COM1, where the EBDA lies, how much base memory there is.</summary>
    internal static void BiosData(GuestMemory memory)
    {
        Zero(memory, BootLayout.BiosData, 0x100);
        Bytes(memory, BootLayout.BiosData, [0xF8, 0x03]);
        Bytes(memory, BootLayout.BiosData + 0x0E, [0xC0, 0x9F]);
        Bytes(memory, BootLayout.BiosData + 0x13, [0x7F, 0x02]);
    }

    /// <summary>Places the initial RAM disk page aligned, as high as it goes below <paramref name="limit"/>.</summary>
    /// <param name="memory">The RAM.</param>
    /// <param name="initrd">The file.</param>
    /// <param name="floor">The first address behind the kernel.</param>
    /// <param name="limit">One past the last address it may use.</param>
    internal static ulong Initrd(GuestMemory memory, ReadOnlySpan<byte> initrd, ulong floor, ulong limit)
    {
        if (initrd.Length == 0)
        {
            return 0;
        }

        ulong end = Math.Min(limit, memory.LowSizeBytes);
        ulong size = (ulong)initrd.Length;
        ulong start = size > end ? 0 : (end - size) & ~0xFFFul;
        if (start < floor)
        {
            throw new OperatorException(
                $"The initial RAM disk ({size >> 10} KiB) does not fit between the kernel's end ({floor:x}) and {end:x}; "
                + $"give the machine at least {((floor + size) >> 20) + 16} MiB of memory.");
        }

        Bytes(memory, start, initrd);
        return start;
    }
}
