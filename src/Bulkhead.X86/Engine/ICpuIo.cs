using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;
using Bulkhead.Core.Memory;
using Bulkhead.Core.Time;

namespace Bulkhead.X86.Engine;

/// <summary>What a vCPU reaches outside itself; served in place, on the vCPU's thread.</summary>
public interface ICpuIo
{
    /// <summary>The vCPU's interrupt controller.</summary>
    IInterruptController Interrupts { get; }

    /// <summary>The domain's time.</summary>
    IClock Clock { get; }

    /// <summary>Reads physical memory that is not RAM.</summary>
    IoResult ReadMmio(Gpa address, Span<byte> data);

    /// <summary>Writes physical memory that is not RAM.</summary>
    IoResult WriteMmio(Gpa address, ReadOnlySpan<byte> data);

    /// <summary>IN.</summary>
    IoResult ReadPort(ushort port, Span<byte> data);

    /// <summary>OUT.</summary>
    IoResult WritePort(ushort port, ReadOnlySpan<byte> data);

    /// <summary>Reads an MSR that belongs to a device (APIC base, x2APIC, TSC deadline); false: not a device's.</summary>
    bool TryReadMsr(uint index, out ulong value);

    /// <summary>Writes an MSR that belongs to a device; false: not a device's, or the value is refused (#GP).</summary>
    /// <remarks>IA32_TSC_ADJUST is the processor's and comes here too, when it changed: the deadline's timer counts by it.</remarks>
    bool TryWriteMsr(uint index, ulong value);

    /// <summary>An x87 error under CR0.NE=0: the processor halts before the instruction that waits for it, and FERR# rises.</summary>
    void RaiseX87Error()
    {
    }
}
