using Bulkhead.Core.Memory;
using Bulkhead.Host;
using Bulkhead.Machine.Boot.Formats;

namespace Bulkhead.Machine.Boot;

/// <summary>Puts the segments of an ELF kernel where they want to lie.</summary>
internal static class ElfLoader
{
    /// <summary>Loads them by physical address.</summary>
    /// <param name="memory">The RAM.</param>
    /// <param name="image">The file.</param>
    /// <param name="segments">Its segments.</param>
    /// <param name="floor">The lowest address they may have.</param>
    /// <param name="name">The kernel's name, for messages.</param>
    /// <returns>One past the last address of any that lies below 4 GiB, and 1 MiB at least.</returns>
    internal static ulong Load(GuestMemory memory, ReadOnlySpan<byte> image, ElfSegment[] segments, ulong floor, string name)
    {
        ulong end = BootLayout.HighMemory;
        foreach (ElfSegment s in segments)
        {
            if (ElfImage.IsLoad(s))
            {
                end = Math.Max(end, Put(memory, image.Slice((int)s.Offset, (int)s.FileSize), s.PhysicalAddress, s.MemorySize, floor, name));
            }
        }

        return end;
    }

    /// <summary>Puts one range of a file in place, with zeros behind it.</summary>
    /// <returns>One past its last address, or 0 where it lies above 4 GiB.</returns>
    internal static ulong Put(GuestMemory memory, ReadOnlySpan<byte> bytes, ulong address, ulong size, ulong floor, string name)
    {
        bool low = address < BootLayout.Ebda;
        if (address < floor || (ulong)bytes.Length > size || !memory.Contains(new Gpa(address), size)
            || (low ? size > BootLayout.Ebda - address : address < BootLayout.HighMemory))
        {
            string room = floor < BootLayout.Ebda ? $"[{floor:x}, {BootLayout.Ebda:x}) and " : string.Empty;
            throw new OperatorException(
                $"{name}: a segment wants [{address:x}, +{size:x}) for {bytes.Length:x} bytes of the file; RAM for it lies in {room}"
                + $"[{BootLayout.HighMemory:x}, {memory.LowSizeBytes:x}). Give the machine more memory or link the kernel elsewhere.");
        }

        LoaderWriter.Bytes(memory, address, bytes);
        LoaderWriter.Zero(memory, address + (ulong)bytes.Length, size - (ulong)bytes.Length);
        return address < GuestMemory.HoleStart ? address + size : 0;
    }
}
