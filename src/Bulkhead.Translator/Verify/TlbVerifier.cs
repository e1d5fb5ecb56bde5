using Bulkhead.Core.Memory;
using Bulkhead.Translator.State;

namespace Bulkhead.Translator.Verify;

/// <summary>Proves of a vCPU's data TLB that every entry the check can hit leads to a page of the domain's RAM.</summary>
internal static unsafe class TlbVerifier
{
    private const int IndexMask = VcpuState.TlbEntries - 1;

    /// <summary>Looks at every entry of every view.</summary>
    /// <remarks><i>Threading</i>: the vCPU's thread, or while it does not run; under the code space's lock, so that no page is
    /// halfway to being guarded.</remarks>
    /// <param name="state">The vCPU's state.</param>
    /// <param name="memory">The domain's RAM.</param>
    /// <param name="isCode">Whether a RAM page holds code, so that stores must ask.</param>
    /// <param name="mirrored">The RAM page mirrored at a host address, or -1.</param>
    /// <returns>Null, or what is wrong.</returns>
    internal static string? Verify(VcpuState* state, GuestMemory memory, Predicate<int> isCode, Func<ulong, int> mirrored)
    {
        // SAFETY: the state's owner holds it for as long as it calls this, and the indices are the table's own (VerifiedRunTests).
        for (int view = 0; view < VcpuState.Views; view++)
        {
            VcpuState.TlbEntry* entries = (VcpuState.TlbEntry*)&state->Tlb + (view * VcpuState.TlbEntries);
            for (int i = 0; i < VcpuState.TlbEntries; i++)
            {
                if (Verify(in entries[i], i, PageOf, isCode) is { } wrong)
                {
                    return $"data TLB view {view} entry {i} (tags {entries[i].ReadTag:x}, {entries[i].WriteTag:x}): {wrong}";
                }
            }

            VcpuState.PageSlot* slots = (VcpuState.PageSlot*)((byte*)state + Offsets.PageSlots) + (view * VcpuState.PageSlotsPerView);
            for (int i = 0; i < VcpuState.PageSlotsPerView; i++)
            {
                if ((Verify(slots[i].ReadTag, slots[i].ReadHost, PageOf) ?? Verify(slots[i].WriteTag, slots[i].WriteHost, PageOf, isCode)) is { } wrong)
                {
                    return $"page slot {i} of view {view}: {wrong}";
                }
            }
        }

        return null;

        int PageOf(ulong host) => mirrored(host) is >= 0 and int page ? page : PageOfRam(host, memory);
    }

    private static string? Verify(in VcpuState.TlbEntry entry, int index, Func<ulong, int> pageOf, Predicate<int> isCode)
    {
        if (((entry.ReadTag | entry.WriteTag) & 0xFFF) != 0)
        {
            return "a tag that is no page";
        }

        bool reads = IndexOf(entry.ReadTag) == index;
        bool writes = IndexOf(entry.WriteTag) == index;
        if (writes && (!reads || entry.ReadTag != entry.WriteTag))
        {
            return "a write tag of another page than the read tag";
        }

        if (!reads)
        {
            return null; // no address of this entry's index meets such a tag
        }

        int page = pageOf(entry.Host);
        if (page < 0)
        {
            return "a host address that is no page of RAM";
        }

        if (page != entry.RamPage)
        {
            return "a host address of another page of RAM than it says";
        }

        return writes && isCode(page) ? "a write tag for a page that holds code" : null;
    }

    private static string? Verify(ulong tag, ulong host, Func<ulong, int> pageOf, Predicate<int>? isCode = null)
    {
        if (tag == VcpuState.PageSlot.Nothing)
        {
            return host == VcpuState.PageSlot.Nothing ? null : "an empty slot with a host address";
        }

        int page = pageOf(host);
        return (tag & 0xFFF) != 0 ? "a tag that is no page"
            : page < 0 ? "a host address that is no page of RAM"
            : isCode?.Invoke(page) == true ? "a write tag for a page that holds code"
            : null;
    }

    private static int IndexOf(ulong tag) => (int)(tag >> 12) & IndexMask;

    /// <summary>The RAM page at a host address, or -1.</summary>
    private static int PageOfRam(ulong host, GuestMemory memory)
    {
        ulong page = (host - (ulong)memory.PagePointer(0)) >> 12;
        return (host & 0xFFF) == 0 && page < (ulong)memory.PageCount ? (int)page : -1;
    }
}
