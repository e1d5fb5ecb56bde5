namespace Bulkhead.Core.Interrupts;

/// <summary>Takes message signalled interrupts.</summary>
/// <remarks><i>Threading</i>: any thread; never blocks.</remarks>
public interface IInterruptMessages
{
    /// <summary>A device wrote <paramref name="data"/> to <paramref name="address"/>; one that is nobody's is dropped.</summary>
    void Send(ulong address, uint data);
}
