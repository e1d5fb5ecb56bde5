using Bulkhead.Translator.State;

namespace Bulkhead.Translator.Memory;

/// <summary>A vCPU's data TLB: the C# side of the check in emitted code.</summary>
/// <remarks>
/// <para>The entry of a page is chosen by bits 12-23 of its address. A tag that matches nothing is the address of a page
/// of another entry: 0, or 4096 in entry 0.</para>
/// <para><i>Threading</i>: the vCPU's thread, but for <see cref="ClearWriteTags"/> (any, under the code space's lock).</para>
/// </remarks>
internal sealed unsafe class SoftTlb
{
    private const int LogSize = 512;
    private readonly VcpuState* _state;
    private readonly ushort[][] _log = [new ushort[LogSize], new ushort[LogSize], new ushort[LogSize]];
    private readonly int[] _logged = new int[VcpuState.Views];

    // Per half of the address space: a range that covers every large page entries were filled from.
    private readonly ulong[] _largeFrom = new ulong[2];
    private readonly ulong[] _largeTo = new ulong[2];

    internal SoftTlb(VcpuState* state)
    {
        _state = state;
        for (int view = 0; view < VcpuState.Views; view++)
        {
            View(view)->ReadTag = 4096;
            View(view)->WriteTag = 4096;
        }
    }

    /// <summary>Fills an entry. <paramref name="writable"/>: stores may go straight to the page too.</summary>
    internal VcpuState.TlbEntry* Fill(int view, ulong page, byte* host, bool writable)
    {
        int index = IndexOf(page);
        VcpuState.TlbEntry* entry = View(view) + index;
        if (_logged[view] < LogSize)
        {
            _log[view][_logged[view]] = (ushort)index;
        }

        _logged[view]++;
        if (entry->ReadTag != page)
        {
            Volatile.Write(ref entry->WriteTag, Nothing(index));
        }

        entry->Host = (ulong)host;
        entry->ReadTag = page;
        if (writable)
        {
            Volatile.Write(ref entry->WriteTag, page);
        }

        return entry;
    }

    /// <summary>Takes the write tag of an entry back.</summary>
    internal void Protect(int view, ulong page)
    {
        int index = IndexOf(page);
        Volatile.Write(ref (View(view) + index)->WriteTag, Nothing(index));
    }

    /// <summary>Forgets everything.</summary>
    internal void Flush()
    {
        for (int view = 0; view < VcpuState.Views; view++)
        {
            VcpuState.TlbEntry* entries = View(view);
            int logged = _logged[view];
            if (logged > LogSize)
            {
                for (int i = 0; i < VcpuState.TlbEntries; i++)
                {
                    Clear(entries, i);
                }
            }
            else
            {
                ushort[] log = _log[view];
                for (int i = 0; i < logged; i++)
                {
                    Clear(entries, log[i]);
                }
            }

            _logged[view] = 0;
        }

        Array.Clear(_largeFrom);
        Array.Clear(_largeTo);
    }

    /// <summary>Notes that an entry comes from a page of 2^<paramref name="shift"/> bytes, which is more than the entry's own.</summary>
    internal void NoteLarge(ulong address, int shift)
    {
        int half = (int)(address >> 63);
        ulong size = 1ul << shift;
        ulong from = address & ~(size - 1);
        bool empty = _largeTo[half] == _largeFrom[half];
        _largeFrom[half] = empty ? from : Math.Min(_largeFrom[half], from);
        _largeTo[half] = empty ? from + (size - 1) : Math.Max(_largeTo[half], from + (size - 1));
    }

    /// <summary>Forgets one page in every view; where it may be part of a large page, everything.</summary>
    internal void FlushPage(ulong address)
    {
        int half = (int)(address >> 63);
        if (address >= _largeFrom[half] && address <= _largeTo[half] && _largeTo[half] != 0)
        {
            Flush();
            return;
        }

        ulong page = address & ~0xFFFul;
        int index = IndexOf(page);
        for (int view = 0; view < VcpuState.Views; view++)
        {
            Clear(View(view), index);
        }
    }

    /// <summary>Takes every write tag that leads to a host page.</summary>
    internal void ClearWriteTags(ulong hostPage)
    {
        for (int view = 0; view < VcpuState.Views; view++)
        {
            VcpuState.TlbEntry* entries = View(view);
            for (int i = 0; i < VcpuState.TlbEntries; i++)
            {
                if (Volatile.Read(ref entries[i].Host) == hostPage)
                {
                    Volatile.Write(ref entries[i].WriteTag, Nothing(i));
                }
            }
        }
    }

    private static int IndexOf(ulong page) => (int)(page >> 12) & (VcpuState.TlbEntries - 1);

    private static ulong Nothing(int index) => index == 0 ? 4096ul : 0;

    private static void Clear(VcpuState.TlbEntry* entries, int index)
    {
        ulong nothing = Nothing(index);
        entries[index].ReadTag = nothing;
        Volatile.Write(ref entries[index].WriteTag, nothing);
        entries[index].Host = 0;
    }

    private VcpuState.TlbEntry* View(int view) => (VcpuState.TlbEntry*)&_state->Tlb + (view * VcpuState.TlbEntries);
}
