using Bulkhead.Cli.Machines;
using Bulkhead.Devices.Tests.Disks;
using Bulkhead.Host;
using Bulkhead.Images;
using Bulkhead.Machine.Devices;
using Bulkhead.Machine.Firmware;
using Xunit;

namespace Bulkhead.Cli.Tests;

public sealed class FileGuestTests : IDisposable
{
    private static readonly FirmwareRequest s_firmware = new() { Path = "/firmware" };

    private readonly string _folder = Directory.CreateTempSubdirectory("bulkhead").FullName;
    private readonly List<string> _said = [];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("debian", false)]
    [InlineData("no-such-image", false)]
    [InlineData("./recipe.yaml", false)]
    [InlineData("/no/such.img", true)]
    public void IsFile_TellsFilesFromImages(string word, bool file) => Assert.Equal(file, FileGuest.IsFile(word));

    [Theory]
    [InlineData(0, 0xFA, "/usr/share/seabios/bios-256k.bin")] // code where a BIOS starts it
    [InlineData(446, 0x80, "/usr/share/OVMF/OVMF_CODE_4M.fd")] // partitions only
    public void Disk_IsStartedByWhatItIsMadeFor(int at, byte value, string firmware)
    {
        Assert.SkipUnless(File.Exists(firmware), $"there is no {firmware} here");
        byte[] disk = new byte[1 << 20];
        (disk[at], disk[510], disk[511]) = (value, 0x55, 0xAA);

        FileGuest guest = Open(Write("disk.img", disk), forget: true);

        Assert.Equal(firmware, guest.Firmware.Path);
        Assert.Equal(new DiskRequest { Path = Path.Combine(_folder, "disk.img"), Snapshot = true }, Assert.Single(guest.Disks));
        Assert.Null(guest.Cpus);
        Assert.Null(guest.MemoryBytes);
    }

    [Fact]
    public void Iso_MayOnlyBeRead()
    {
        byte[] disk = new byte[1 << 20];
        "\u0001CD001\u0001"u8.CopyTo(disk.AsSpan(0x8000));

        Assert.True(Assert.Single(Open(Write("live.iso", disk), firmware: s_firmware).Disks).ReadOnly);
    }

    [Fact]
    public void Package_IsUnpackedOnce_AndSaysWhatItsMachineHas()
    {
        byte[] system = new byte[1 << 20];
        new Random(1).NextBytes(system);
        string ova = Path.Combine(_folder, "appliance.ova");
        OvaFile.Write(ova, OvaFile.Describe(768, "MegaBytes", "system.img"), ("system.img", system));

        FileGuest guest = Open(ova, firmware: s_firmware);

        string disk = Path.Combine(_folder, "domains", "first", "disk1.qcow2");
        Assert.Equal(new DiskRequest { Path = disk, Format = "qcow2" }, Assert.Single(guest.Disks));
        Assert.Equal((4, 768ul << 20), (guest.Cpus, guest.MemoryBytes));
        Assert.Contains(disk, Assert.Single(_said), StringComparison.Ordinal);

        DateTime written = File.GetLastWriteTimeUtc(disk);
        Assert.True(Open(ova, forget: true, firmware: s_firmware).Disks[0].Snapshot);
        Assert.Equal(written, File.GetLastWriteTimeUtc(disk));
        Assert.Single(_said);
        Assert.NotEqual(disk, Open(ova, name: "second", firmware: s_firmware).Disks[0].Path);
    }

    [Fact]
    public void WhatIsNotThere_IsSaid() =>
        Assert.Contains("/no/such.img: there is no such file", Assert.Throws<OperatorException>(() => Open("/no/such.img")).Message, StringComparison.Ordinal);

    private string Write(string name, byte[] bytes)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private FileGuest Open(string path, string name = "first", bool forget = false, FirmwareRequest? firmware = null) =>
        FileGuest.Open(path, name, forget, firmware, new DomainImages(Path.Combine(_folder, "domains")), _said.Add);
}
