namespace Bulkhead.Core.Memory;

/// <summary>Learns of every write to guest RAM that does not come from translated code (devices, loaders, helpers).</summary>
public interface IWriteObserver
{
    /// <summary>Called after the bytes of [<paramref name="address"/>, +<paramref name="length"/>) changed.</summary>
    void OnWritten(Gpa address, ulong length);
}
