using Bulkhead.Core.Memory;
using Bulkhead.Devices.Executors;
using Bulkhead.Machine.Devices;
using Bulkhead.Machine.Firmware;
using Xunit;

namespace Bulkhead.Machine.Tests.Firmware;

public sealed class FirmwareBoardTests
{
    private static readonly DiskRequest s_disk = new() { Path = "d" };

    [Fact]
    public void BootOrder_DisksAndCards_NamesCardsBehindDisksByTheirSlots() => Assert.Equal(
        "/pci@i0cf8/scsi@2/disk@0,0\n/pci@i0cf8/scsi@3/disk@0,0\n/pci@i0cf8/ethernet@4/ethernet-phy@0\n/pci@i0cf8/ethernet@5/ethernet-phy@0\n",
        Order([s_disk, s_disk with { Mmio = true }, s_disk], [new NetRequest(), new NetRequest()]));

    [Fact]
    public void BootOrder_NothingToStartFrom_IsEmpty() => Assert.Empty(Order([s_disk with { Mmio = true }], []));

    private static string Order(IReadOnlyList<DiskRequest> disks, IReadOnlyList<NetRequest> nets)
    {
        string path = Path.GetTempFileName();
        try
        {
            byte[] rom = new byte[TinyFirmware.RomBytes];
            rom[^16] = 0xEA;
            File.WriteAllBytes(path, rom);
            using var memory = new GuestMemory("board", 4 << 20);
            var firmware = new FirmwareRequest { Path = path };
            using FirmwareImage image = FirmwareImage.Open(firmware, static () => new ImmediateExecutor());
            return new FirmwareBoard(memory, new DomainRequest { Name = "board", Firmware = firmware, Disks = disks, Nets = nets }, image).BootOrder();
        }
        finally
        {
            File.Delete(path);
        }
    }
}
