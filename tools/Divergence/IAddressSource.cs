namespace Bulkhead.Tools.Divergence;

/// <summary>Addresses of instructions in the order in which a processor took them up.</summary>
internal interface IAddressSource
{
    /// <summary>The next address; false at the end.</summary>
    bool TryNext(out ulong address);
}
