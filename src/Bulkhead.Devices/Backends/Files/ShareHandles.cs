using Bulkhead.Host.Files;

namespace Bulkhead.Devices.Backends.Files;

/// <summary>What a guest has open, by numbers that never come again.</summary>
/// <param name="most">The most at a time.</param>
/// <param name="descriptors">What all guests may have open.</param>
/// <remarks>Each is a descriptor of the host. <i>Threading</i>: the server's lock.</remarks>
internal sealed class ShareHandles(int most, DescriptorBudget descriptors)
{
    private readonly Dictionary<ulong, ShareHandle> _byId = [];

    /// <summary>Whether there is no room for one more.</summary>
    internal bool IsFull => _byId.Count >= most || descriptors.IsSpent;

    /// <summary>How many there are.</summary>
    internal int Count => _byId.Count;

    /// <summary>The number of the next one.</summary>
    internal ulong NextId { get; set; } = 1;

    /// <summary>All of them.</summary>
    internal IReadOnlyDictionary<ulong, ShareHandle> All => _byId;

    /// <summary>The handle of a number, or null.</summary>
    internal ShareHandle? Find(ulong id) => _byId.GetValueOrDefault(id);

    /// <summary>One that a node is open by, or null.</summary>
    internal ShareHandle? Find(ShareNode node)
    {
        foreach (ShareHandle handle in _byId.Values)
        {
            if (handle.Node == node && handle.File is not null)
            {
                return handle;
            }
        }

        return null;
    }

    /// <summary>Adds one, whose file is closed with it: its number.</summary>
    internal ulong Add(ShareHandle handle)
    {
        _byId.Add(NextId, handle);
        Take(handle);
        return NextId++;
    }

    /// <summary>Adds one again by the number it had; false where that is not possible.</summary>
    internal bool TryAdd(ulong id, ShareHandle handle)
    {
        if (id >= NextId || _byId.Count >= most || !_byId.TryAdd(id, handle))
        {
            return false;
        }

        Take(handle);
        return true;
    }

    /// <summary>Closes one.</summary>
    internal void Close(ulong id)
    {
        if (_byId.Remove(id, out ShareHandle? handle))
        {
            Close(handle);
        }
    }

    /// <summary>Closes all.</summary>
    internal void Clear()
    {
        foreach (ShareHandle handle in _byId.Values)
        {
            Close(handle);
        }

        _byId.Clear();
    }

    private void Take(ShareHandle handle)
    {
        if (handle.File is not null)
        {
            descriptors.Take();
        }
    }

    private void Close(ShareHandle handle)
    {
        if (handle.File is not null)
        {
            handle.File.Dispose();
            descriptors.Return();
        }
    }
}
