using Bulkhead.Core.Io;

namespace Bulkhead.Devices.Chipset;

/// <summary>A port through which a test guest ends its machine with a status.</summary>
/// <remarks>The callback gets (value &lt;&lt; 1) | 1 and runs on the vCPU's thread.</remarks>
public sealed class DebugExit(Action<int> exit) : IIoDevice
{
    /// <inheritdoc/>
    public IoResult Read(ulong offset, Span<byte> data)
    {
        data.Clear();
        return IoResult.Ok;
    }

    /// <inheritdoc/>
    public IoResult Write(ulong offset, ReadOnlySpan<byte> data)
    {
        exit(unchecked((int)(uint)LittleEndian.Get(data) << 1) | 1);
        return IoResult.Ok;
    }
}
