using Bulkhead.Core.Io;
using Bulkhead.Core.Time;

namespace Bulkhead.Devices.Chipset;

/// <summary>The ACPI power management timer: a free-running 3.579545 MHz counter, four ports.</summary>
/// <remarks><i>Source</i>: ACPI Specification 6.5, 4.8.2.1 Power Management Timer.</remarks>
public sealed class PmTimer(IClock clock, bool is32Bit = true) : IIoDevice
{
    /// <summary>The input clock.</summary>
    public const int Hz = 3_579_545;

    private static readonly TickRate s_rate = new(Hz);

    /// <inheritdoc/>
    public IoResult Read(ulong offset, Span<byte> data)
    {
        ulong value = s_rate.FromNs(clock.NowNs) & (is32Bit ? 0xFFFF_FFFFUL : 0xFF_FFFF);
        LittleEndian.Put(data, value >> (8 * (int)(offset & 3)));
        return IoResult.Ok;
    }

    /// <inheritdoc/>
    public IoResult Write(ulong offset, ReadOnlySpan<byte> data) => IoResult.Ok;
}
