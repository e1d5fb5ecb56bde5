namespace Bulkhead.Devices.Virtio;

/// <summary>The 32-bit halves of what a driver reads and writes by halves.</summary>
internal static class Halves
{
    /// <summary>The low half (0) or the high one (1); behind them is nothing.</summary>
    internal static uint Read(ulong value, uint half) => half switch { 0 => (uint)value, 1 => (uint)(value >> 32), _ => 0 };

    /// <summary>The same with one half replaced.</summary>
    internal static ulong Write(ulong old, uint half, uint value) => half switch
    {
        0 => (old & 0xFFFF_FFFF_0000_0000) | value,
        1 => (uint)old | ((ulong)value << 32),
        _ => old,
    };
}
