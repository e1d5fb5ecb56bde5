namespace Bulkhead.Translator.Interpret;

/// <summary>Moves the x87/MMX state between the host's FPU (where it lives while the vCPU is on its thread) and <c>Registers.X87</c>.</summary>
internal interface IFpuState
{
    /// <summary>FXSAVE64 from the host FPU into <c>Registers.X87</c>.</summary>
    void SaveX87();

    /// <summary>FXRSTOR64 of <c>Registers.X87</c> into the host FPU (x87 part only; MXCSR and xmm are elsewhere).</summary>
    void LoadX87();
}
