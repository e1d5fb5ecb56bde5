namespace Bulkhead.Core.Memory;

/// <summary>Learns of what happens to guest memory without translated code: writes of devices, loaders and helpers, and moves.</summary>
public interface IMemoryObserver
{
    /// <summary>Called after the bytes of [<paramref name="address"/>, +<paramref name="length"/>) changed.</summary>
    void OnWritten(Gpa address, ulong length);

    /// <summary>Called after a shared window moved. No vCPU reaches it where it was after its next look.</summary>
    void OnMoved();
}
