using Bulkhead.Core.Io;

namespace Bulkhead.Devices.Firmware;

/// <summary>A port on which firmware says what it does, byte by byte.</summary>
/// <remarks><i>Threading</i>: <paramref name="output"/> is called on a vCPU's thread.</remarks>
/// <param name="output">Takes what is said.</param>
public sealed class DebugPort(Action<byte> output) : IIoDevice
{
    /// <summary>Where it is on a PC.</summary>
    public const ushort Port = 0x402;

    private const byte IsHere = 0xE9;

    /// <inheritdoc/>
    public IoResult Read(ulong offset, Span<byte> data)
    {
        data.Fill(IsHere);
        return IoResult.Ok;
    }

    /// <inheritdoc/>
    public IoResult Write(ulong offset, ReadOnlySpan<byte> data)
    {
        foreach (byte b in data)
        {
            output(b);
        }

        return IoResult.Ok;
    }
}
