namespace Bulkhead.Core.Interrupts;

/// <summary>What an interrupt controller may do to a vCPU.</summary>
/// <remarks><i>Threading</i>: any thread; never blocks.</remarks>
public interface IVcpuSignals
{
    /// <summary>An interrupt may have become deliverable: leave guest mode (or wake) and look.</summary>
    void Kick();

    /// <summary>Raises the non-maskable interrupt.</summary>
    void Nmi();

    /// <summary>INIT: back to the wait-for-SIPI state.</summary>
    void Init();

    /// <summary>Start-up IPI: begin in real mode at <paramref name="vector"/> * 4096, if waiting for it.</summary>
    void StartUp(byte vector);
}
