using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;
using Bulkhead.Core.Memory;
using Bulkhead.Core.Time;
using Bulkhead.Devices.Chipset;
using Bulkhead.Machine.Acpi;
using Bulkhead.Machine.Time;
using Bulkhead.X86.Engine;

namespace Bulkhead.Machine.Domains;

/// <summary>One vCPU's view of the board: its own local APIC and hint port, then the shared buses.</summary>
internal sealed class CpuIo(LocalApic apic, IoBus mmio, IoBus ports, IClock clock, KvmClock? kvmClock, X87Error x87Error, VcpuSlot vcpu) : ICpuIo
{
    private const ulong ApicSize = 0x1000;

    public IInterruptController Interrupts => apic;

    public IClock Clock => clock;

    public IoResult ReadMmio(Gpa address, Span<byte> data)
    {
        ulong offset = address.Value - AcpiLayout.LocalApic;
        return offset < ApicSize ? apic.Read(offset, data) : mmio.Read(address.Value, data);
    }

    public IoResult WriteMmio(Gpa address, ReadOnlySpan<byte> data)
    {
        ulong offset = address.Value - AcpiLayout.LocalApic;
        return offset < ApicSize ? apic.Write(offset, data) : mmio.Write(address.Value, data);
    }

    public IoResult ReadPort(ushort port, Span<byte> data) =>
        HintPort.Covers(port, data.Length) && vcpu.Classes is { } classes ? HintPort.Read(classes, port, data) : ports.Read(port, data);

    public IoResult WritePort(ushort port, ReadOnlySpan<byte> data) =>
        HintPort.Covers(port, data.Length) && vcpu.Classes is { } classes ? HintPort.Write(classes, port, data) : ports.Write(port, data);

    public bool TryReadMsr(uint index, out ulong value) => apic.TryReadMsr(index, out value);

    public bool TryWriteMsr(uint index, ulong value) => apic.TryWriteMsr(index, value) || kvmClock?.TryWriteMsr(vcpu.Index, index, value) == true;

    public void RaiseX87Error() => x87Error.Raise();
}
