namespace Bulkhead.Devices.Backends.Net.Switching;

/// <summary>How much may pass; 0: any number.</summary>
/// <param name="FramesPerSecond">So many frames, segments counted each.</param>
/// <param name="BytesPerSecond">So many bytes.</param>
public readonly record struct RateLimit(long FramesPerSecond, long BytesPerSecond)
{
    /// <summary>Whether there is a limit.</summary>
    public bool IsSet => FramesPerSecond > 0 || BytesPerSecond > 0;
}
