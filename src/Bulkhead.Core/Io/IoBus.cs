namespace Bulkhead.Core.Io;

/// <summary>An address space of devices: ports, or physical addresses that are not RAM.</summary>
/// <remarks>
/// <para><i>Threading</i>: mapped by one thread at a time; read by every vCPU without a lock.</para>
/// <para><i>Errors</i>: what nobody claims reads all ones and swallows writes; both are counted.</para>
/// </remarks>
public sealed class IoBus
{
    private Window[] _windows = [];
    private long _unclaimed;
    private int _last;

    /// <summary>How many accesses reached nobody.</summary>
    public long UnclaimedAccesses => Interlocked.Read(ref _unclaimed);

    /// <summary>Places a device at [<paramref name="start"/>, +<paramref name="length"/>).</summary>
    public void Map(ulong start, ulong length, IIoDevice device)
    {
        if (!TryMap(start, length, device))
        {
            throw new ArgumentException($"[{start:x}, +{length:x}) is taken", nameof(start));
        }
    }

    /// <summary>The same; false, and nothing changed, where part of that is taken.</summary>
    public bool TryMap(ulong start, ulong length, IIoDevice device)
    {
        foreach (Window w in _windows)
        {
            if (start < w.Start + w.Length && w.Start < start + length)
            {
                return false;
            }
        }

        Window[] windows = [.. _windows, new Window(start, length, device)];
        Array.Sort(windows, static (a, b) => a.Start.CompareTo(b.Start));
        Volatile.Write(ref _windows, windows);
        return true;
    }

    /// <summary>Takes a device away from wherever it is. An access that has found it may still be in progress.</summary>
    public void Unmap(IIoDevice device) => Volatile.Write(ref _windows, [.. _windows.Where(w => w.Device != device)]);

    /// <summary>Reads from whoever lives at <paramref name="address"/>; all ones where nobody does.</summary>
    public IoResult Read(ulong address, Span<byte> data)
    {
        Window[] windows = Volatile.Read(ref _windows);
        if (Find(windows, address, data.Length) is >= 0 and int found)
        {
            ref readonly Window w = ref windows[found];
            IoResult result = w.Device.Read(address - w.Start, data);
            if (result != IoResult.Ok)
            {
                data.Fill(0xFF);
            }

            return result;
        }

        Interlocked.Increment(ref _unclaimed);
        data.Fill(0xFF);
        return IoResult.Unclaimed;
    }

    /// <summary>Writes to whoever lives at <paramref name="address"/>.</summary>
    public IoResult Write(ulong address, ReadOnlySpan<byte> data)
    {
        Window[] windows = Volatile.Read(ref _windows);
        if (Find(windows, address, data.Length) is >= 0 and int found)
        {
            ref readonly Window w = ref windows[found];
            return w.Device.Write(address - w.Start, data);
        }

        Interlocked.Increment(ref _unclaimed);
        return IoResult.Unclaimed;
    }

    /// <summary>The window that holds all of an access; -1 where there is none.</summary>
    private int Find(Window[] windows, ulong address, int length)
    {
        int last = _last; // of any vCPU
        if ((uint)last < (uint)windows.Length && address - windows[last].Start < windows[last].Length)
        {
            return Holds(in windows[last]) ? last : -1;
        }

        int low = 0;
        int high = windows.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) >> 1;
            ref readonly Window w = ref windows[middle];
            if (address < w.Start)
            {
                high = middle - 1;
            }
            else if (address - w.Start >= w.Length)
            {
                low = middle + 1;
            }
            else
            {
                _last = middle;
                return Holds(in w) ? middle : -1;
            }
        }

        return -1;

        bool Holds(in Window w) => w.Length - (address - w.Start) >= (ulong)length;
    }

    private readonly record struct Window(ulong Start, ulong Length, IIoDevice Device);
}
