namespace Bulkhead.Host.Memory;

/// <summary>An array outside the collector's heap that takes host pages only where it was written: room for the most there can be
/// costs address space, not memory, and nothing moves when more of it is used.</summary>
/// <remarks>Zero at first. The creator disposes it. <i>Threading</i>: as a plain array. <i>Cost</i>: an index is checked.</remarks>
public sealed unsafe class ReservedArray<T> : IDisposable
    where T : unmanaged
{
    private readonly PrivateMemory _memory;
    private readonly T* _items;

    /// <summary>Reserves room for <paramref name="length"/> items.</summary>
    public ReservedArray(int length)
    {
        Length = length;
        _memory = new PrivateMemory((ulong)length * (ulong)sizeof(T));
        _items = (T*)_memory.Pointer;
    }

    /// <summary>How many items there is room for.</summary>
    public int Length { get; }

    /// <summary>An item.</summary>
    public ref T this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Length);
            return ref _items[index];
        }
    }

    /// <summary>Some items in a row.</summary>
    public Span<T> Slice(int start, int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((ulong)(uint)start + (uint)count, (ulong)Length);
        return new Span<T>(_items + start, count);
    }

    /// <summary>Takes all pages from the host, for what is written whole.</summary>
    public void Populate() => _memory.Populate();

    /// <summary>Zeroes all and gives the host its pages back.</summary>
    public void Clear() => _memory.Clear();

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();
}
