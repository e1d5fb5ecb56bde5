using System.Diagnostics.CodeAnalysis;

namespace Bulkhead.Scheduling;

/// <summary>The vCPUs of a queue, each under a small number that is given again after it left.</summary>
/// <remarks><i>Cost</i>: allocates in <see cref="Add"/> past the capacity only.</remarks>
internal sealed class SlotTable<T>
    where T : struct
{
    private T[] _entries = new T[8];
    private bool[] _used = new bool[8];

    /// <summary>One more than the highest slot that was ever used.</summary>
    public int End { get; private set; }

    public int Add(in T entry)
    {
        int slot = 0;
        while (slot < End && _used[slot])
        {
            slot++;
        }

        if (slot == _entries.Length)
        {
            Array.Resize(ref _entries, slot * 2);
            Array.Resize(ref _used, slot * 2);
        }

        _entries[slot] = entry;
        _used[slot] = true;
        End = Math.Max(End, slot + 1);
        return slot;
    }

    /// <summary>Empties a slot: what stands in it is the type's default, so not runnable.</summary>
    public void Remove(int slot)
    {
        At(slot) = default;
        _used[slot] = false;
    }

    /// <summary>The vCPU a caller names.</summary>
    public ref T At(int slot)
    {
        if ((uint)slot >= (uint)End || !_used[slot])
        {
            Throw(slot);
        }

        return ref _entries[slot];
    }

    /// <summary>Any slot below <see cref="End"/>, used or not: for scans.</summary>
    public ref T Any(int slot) => ref _entries[slot];

    [DoesNotReturn]
    private static void Throw(int slot) =>
        throw new ArgumentOutOfRangeException(nameof(slot), slot, "No vCPU stands in this slot.");
}
