namespace Bulkhead.Machine.Acpi;

/// <summary>The fixed description table: PM ports, SCI, reset register, what a PC has and this one lacks.</summary>
/// <remarks><i>Source</i>: ACPI 6.5, 5.2.9 Fixed ACPI Description Table.</remarks>
internal static class Fadt
{
    private const uint Wbinvd = 1;
    private const uint ProcC1 = 1 << 2;
    private const uint SleepButtonIsDevice = 1 << 5;
    private const uint RtcNotFixed = 1 << 6;
    private const uint Timer32 = 1 << 8;
    private const uint ResetSupported = 1 << 10;
    private const ushort LegacyDevices = 1;
    private const ushort KeyboardController = 1 << 1;
    private const ushort VgaNotPresent = 1 << 2;
    private const byte Ports = 1;

    /// <summary>Where the table holds addresses of the two others.</summary>
    internal static readonly AcpiPointer[] Pointers = [new(36, 4), new(40, 4), new(132, 8), new(140, 8)];

    /// <summary>Builds the table.</summary>
    /// <param name="facs">The physical address of that table, below 4 GiB.</param>
    /// <param name="dsdt">Likewise.</param>
    /// <param name="keyboard">Whether there is a keyboard controller.</param>
    internal static byte[] Build(ulong facs, ulong dsdt, bool keyboard) => TableWriter.Table("FACP", 6)
        .U32((uint)facs).U32((uint)dsdt)
        .U8(0).U8(0)                                    // reserved, preferred profile: unspecified
        .U16(AcpiLayout.SciInterrupt)
        .U32(0).U8(0).U8(0).U8(0).U8(0)                 // no SMI command port: ACPI mode is on from the start
        .U32(AcpiLayout.Pm1EventPort).U32(0)            // PM1a, PM1b event
        .U32(AcpiLayout.Pm1ControlPort).U32(0)          // PM1a, PM1b control
        .U32(0).U32(AcpiLayout.PmTimerPort)             // PM2 control, PM timer
        .U32(0).U32(0)                                  // GPE0, GPE1
        .U8(4).U8(2).U8(0).U8(4).U8(0).U8(0).U8(0).U8(0)
        .U16(0xFFFF).U16(0xFFFF)                        // no C2, no C3
        .U16(0).U16(0).U8(0).U8(0)                      // flush size, stride, duty
        .U8(0).U8(0).U8(0x32)                           // day and month alarm, century in CMOS 32h
        .U16((ushort)(LegacyDevices | VgaNotPresent | (keyboard ? KeyboardController : 0))).U8(0)
        .U32(Wbinvd | ProcC1 | SleepButtonIsDevice | RtcNotFixed | Timer32 | ResetSupported)
        .Address(Ports, 8, 1, AcpiLayout.ResetPort).U8(AcpiLayout.ResetValue)
        .U16(0).U8(5)                                   // ARM boot flags, minor revision
        .U64(facs).U64(dsdt)
        .Address(Ports, 32, 2, AcpiLayout.Pm1EventPort).Zeros(12)
        .Address(Ports, 16, 2, AcpiLayout.Pm1ControlPort).Zeros(12)
        .Zeros(12)
        .Address(Ports, 32, 3, AcpiLayout.PmTimerPort)
        .Zeros(12).Zeros(12)                            // GPE0, GPE1
        .Zeros(12).Zeros(12)                            // sleep control and status: hardware-reduced only
        .Zeros(8)                                       // hypervisor vendor
        .Finish();
}
