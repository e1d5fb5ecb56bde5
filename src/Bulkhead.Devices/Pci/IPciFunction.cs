using Bulkhead.Core.State;

namespace Bulkhead.Devices.Pci;

/// <summary>The configuration space of one PCI function.</summary>
/// <remarks><i>Threading</i>: called with the host's lock held, so one access at a time.</remarks>
public interface IPciFunction
{
    /// <summary>Reads 1, 2 or 4 bytes at <paramref name="offset"/> (0..255), never across a doubleword.</summary>
    void ReadConfig(int offset, Span<byte> data);

    /// <summary>Writes 1, 2 or 4 bytes at <paramref name="offset"/> (0..255), never across a doubleword.</summary>
    void WriteConfig(int offset, ReadOnlySpan<byte> data);

    /// <summary>Writes all there is to the function. While what stands behind it is held.</summary>
    void Save(StateWriter writer);

    /// <summary>Reads that again, into the same function as it was made.</summary>
    void Restore(StateReader reader);
}
