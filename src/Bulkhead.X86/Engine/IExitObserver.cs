namespace Bulkhead.X86.Engine;

/// <summary>Who is told of each exit a hypervisor would count.</summary>
/// <remarks><i>Threading</i>: the vCPU's thread; must be quick.</remarks>
public interface IExitObserver
{
    /// <summary>The vCPU left guest mode.</summary>
    void OnExit(ExitReason reason);
}
