using Bulkhead.Core.Memory;

namespace Bulkhead.Machine.Boot;

/// <summary>The memory map a guest is told, in address order.</summary>
internal static class MemoryMap
{
    /// <summary>The ranges of a machine with this RAM.</summary>
    internal static E820Entry[] Of(GuestMemory memory)
    {
        var entries = new List<E820Entry>
        {
            new(0, BootLayout.Ebda, E820Type.Ram),
            new(BootLayout.Ebda, BootLayout.VideoHole - BootLayout.Ebda, E820Type.Reserved),
            new(BootLayout.FirmwareStart, BootLayout.FirmwareEnd - BootLayout.FirmwareStart, E820Type.Reserved),
        };
        if (memory.LowSizeBytes > BootLayout.HighMemory)
        {
            entries.Add(new E820Entry(BootLayout.HighMemory, memory.LowSizeBytes - BootLayout.HighMemory, E820Type.Ram));
        }

        if (memory.HighSizeBytes > 0)
        {
            entries.Add(new E820Entry(GuestMemory.HighStart, memory.HighSizeBytes, E820Type.Ram));
        }

        return [.. entries];
    }
}
