namespace Bulkhead.Scheduling.Arinc653;

/// <summary>A time table that repeats: windows in order, that do not overlap; what no window covers is idle.</summary>
/// <remarks><i>Threading</i>: immutable. <i>Errors</i>: windows out of order, overlapping or beyond the frame are our error and throw.</remarks>
public sealed class MajorFrame
{
    private readonly PartitionWindow[] _windows;

    /// <summary>Creates a frame.</summary>
    /// <param name="lengthNs">How long it is until it repeats.</param>
    /// <param name="windows">At least one, by offset.</param>
    public MajorFrame(long lengthNs, params ReadOnlySpan<PartitionWindow> windows)
    {
        long end = 0;
        long covered = 0;
        foreach (PartitionWindow window in windows)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(window.Partition);
            ArgumentOutOfRangeException.ThrowIfLessThan(window.LengthNs, 1);
            ArgumentOutOfRangeException.ThrowIfLessThan(window.OffsetNs, end);
            end = window.EndNs;
            covered += window.LengthNs;
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(windows.Length, 1, nameof(windows));
        ArgumentOutOfRangeException.ThrowIfLessThan(lengthNs, end);
        LengthNs = lengthNs;
        GapNs = lengthNs - covered;
        _windows = windows.ToArray();
    }

    /// <summary>How long it is.</summary>
    public long LengthNs { get; }

    /// <summary>How much of it no window covers.</summary>
    public long GapNs { get; }

    /// <summary>Its windows, by offset.</summary>
    public ReadOnlySpan<PartitionWindow> Windows => _windows;

    /// <summary>The window a phase of the frame lies in, or -1 in a gap.</summary>
    public int WindowAt(long phaseNs)
    {
        for (int i = 0; i < _windows.Length; i++)
        {
            if (phaseNs >= _windows[i].OffsetNs && phaseNs < _windows[i].EndNs)
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>Whether the window that begins where this one ends belongs to the same partition.</summary>
    public bool IsFollowedByOwn(int window)
    {
        ref readonly PartitionWindow next = ref _windows[(window + 1) % _windows.Length];
        return next.Partition == _windows[window].Partition && next.OffsetNs == _windows[window].EndNs % LengthNs;
    }

    /// <summary>How much of the time from the frame's first start to <paramref name="elapsedNs"/> a partition's windows cover.</summary>
    public long WindowUntil(int partition, long elapsedNs)
    {
        long phase = elapsedNs % LengthNs;
        long whole = 0;
        long begun = 0;
        foreach (PartitionWindow window in _windows)
        {
            if (window.Partition == partition)
            {
                whole += window.LengthNs;
                begun += Math.Clamp(phase - window.OffsetNs, 0, window.LengthNs);
            }
        }

        return (elapsedNs / LengthNs * whole) + begun;
    }

    /// <summary>How much of the time from the frame's first start to <paramref name="elapsedNs"/> no window covers.</summary>
    public long GapUntil(long elapsedNs)
    {
        long phase = elapsedNs % LengthNs;
        long gap = phase;
        foreach (PartitionWindow window in _windows)
        {
            gap -= Math.Clamp(phase - window.OffsetNs, 0, window.LengthNs);
        }

        return (elapsedNs / LengthNs * GapNs) + gap;
    }
}
