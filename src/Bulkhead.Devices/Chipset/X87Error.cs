using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;

namespace Bulkhead.Devices.Chipset;

/// <summary>What a PC does with FERR#, the pin of x87 errors while CR0.NE is clear: an interrupt, until port 0xF0 is written. Two ports.</summary>
/// <remarks>IGNNE# is not there: an instruction that waits does so until the error is cleared (FNCLEX, FNINIT).
/// <i>Source</i>: Intel SDM Vol. 1, 8.7.2 MS-DOS Compatibility Sub-mode, and D.2.</remarks>
public sealed class X87Error(InterruptLine line) : IIoDevice
{
    /// <summary>FERR# rises.</summary>
    public void Raise() => line.Set(true);

    /// <inheritdoc/>
    public IoResult Read(ulong offset, Span<byte> data)
    {
        data.Fill(0xFF);
        return IoResult.Ok;
    }

    /// <inheritdoc/>
    public IoResult Write(ulong offset, ReadOnlySpan<byte> data)
    {
        line.Set(false);
        return IoResult.Ok;
    }
}
