namespace Bulkhead.Core.Io;

/// <summary>Registers on a bus; a device knows offsets, never where it sits.</summary>
/// <remarks><i>Threading</i>: called on any vCPU's thread; a device guards itself with its own lock.</remarks>
public interface IIoDevice
{
    /// <summary>Reads <paramref name="data"/>.Length bytes (1, 2, 4 or 8) at <paramref name="offset"/>.</summary>
    IoResult Read(ulong offset, Span<byte> data);

    /// <summary>Writes <paramref name="data"/>.Length bytes (1, 2, 4 or 8) at <paramref name="offset"/>.</summary>
    IoResult Write(ulong offset, ReadOnlySpan<byte> data);
}
