namespace Bulkhead.Core.Interrupts;

/// <summary>Is told of each interrupt a vCPU takes.</summary>
/// <remarks><i>Threading</i>: the vCPU's thread.</remarks>
public interface IInterruptObserver
{
    /// <summary>An interrupt was acknowledged.</summary>
    void OnInterrupt(byte vector);
}
