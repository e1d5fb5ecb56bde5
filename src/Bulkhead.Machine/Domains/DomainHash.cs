using System.Buffers;
using Bulkhead.Core.Memory;
using Bulkhead.X86.State;

namespace Bulkhead.Machine.Domains;

/// <summary>A number that differs where the registers or the memory of two domains differ.</summary>
/// <remarks><i>Cost</i>: reads all RAM, about a second for 8 GiB.</remarks>
internal static class DomainHash
{
    private const int PageBytes = 4096;

    /// <summary>The hash of a domain none of whose vCPUs runs, after others.</summary>
    internal static ulong Of(Domain domain, ulong before)
    {
        ulong hash = before;
        foreach (VcpuSlot slot in domain.Slots)
        {
            hash = StateHash.Add(hash, StateHash.Of(in slot.Vcpu.Registers));
        }

        return domain.Memory is { } memory ? Of(memory, hash) : hash;
    }

    /// <summary>The hash of RAM, after others.</summary>
    internal static ulong Of(GuestMemory memory, ulong before)
    {
        byte[] page = ArrayPool<byte>.Shared.Rent(PageBytes);
        Span<byte> bytes = page.AsSpan(0, PageBytes);
        ulong hash = before;
        for (int i = 0; i < memory.RamPageCount; i++)
        {
            _ = memory.TryRead(memory.PageAddress(i), bytes);
            hash = StateHash.Of(bytes, hash);
        }

        ArrayPool<byte>.Shared.Return(page);
        return hash;
    }
}
