using System.Buffers.Binary;
using System.Text;
using Bulkhead.Core.Memory;
using Bulkhead.Devices.Firmware;
using Xunit;

namespace Bulkhead.Devices.Tests.Firmware;

public sealed class FirmwareConfigTests : IDisposable
{
    private const uint Ram = 1 << 20;
    private const uint Descriptor = 0x1000;
    private const uint Target = 0x2000;

    private readonly GuestMemory _memory = new("config", Ram);
    private readonly FirmwareConfig _config;

    public FirmwareConfigTests()
    {
        _config = new FirmwareConfig(_memory);
        _config.Add(FirmwareConfig.CpuCount, [3, 0]);
        _config.Add("etc/second", [.. Enumerable.Range(0, 9000).Select(static i => (byte)i)]);
        _config.Add("etc/first", "one"u8.ToArray());
    }

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void Data_OfAnItem_ComesByteByByteAndThenZeros()
    {
        Select(0);
        Assert.Equal("QEMU\0\0", Encoding.ASCII.GetString(Take(6)));
        Select(FirmwareConfig.CpuCount);
        Assert.Equal([3, 0, 0], Take(3));
        Select(0x7777);
        Assert.Equal([0], Take(1));
    }

    [Fact]
    public void Directory_OfFiles_IsInOrderAndLeadsToThem()
    {
        Select(0x19);
        byte[] directory = Take(4 + (2 * 64));

        Assert.Equal(2, BinaryPrimitives.ReadInt32BigEndian(directory));
        Assert.Equal((3, "etc/first"), Entry(directory, 0, out ushort first));
        Assert.Equal((9000, "etc/second"), Entry(directory, 1, out ushort second));
        Select(first);
        Assert.Equal("one"u8.ToArray(), Take(3));
        Select(second);
        Assert.Equal([0, 1, 2], Take(3));
    }

    [Fact]
    public void Transfer_SelectsSkipsAndReads()
    {
        Transfer(0x0021_0008, 0, 0);
        Assert.Equal(0u, Control);
        Transfer(4, 254, 0);
        Transfer(2, 5000, Target);
        Assert.Equal(0u, Control);

        byte[] bytes = Memory(Target, 5000);
        Assert.Equal([.. Enumerable.Range(254, 5000).Select(static i => (byte)i)], bytes);
    }

    [Fact]
    public void Transfer_BehindTheItemsEnd_ReadsZeros()
    {
        _ = _memory.TryWriteUInt64(new Gpa(Target), ulong.MaxValue);
        Transfer((FirmwareConfig.CpuCount << 16) | 0xA, 4, Target);
        Assert.Equal([3, 0, 0, 0, 0xFF], Memory(Target, 5));
    }

    [Theory]
    [InlineData(2u, 4u, Ram)]
    [InlineData(2u, 4u, Ram - 3)]
    [InlineData(2u, uint.MaxValue, 0u)]
    [InlineData(2u, (256u << 10) + 1, Target)]
    [InlineData(16u, 1u, Target)]
    public void Transfer_OutsideOfRamOrToTheItem_FailsAndWritesNothing(uint control, uint length, uint address)
    {
        _ = _memory.TryWriteUInt64(new Gpa(Ram - 8), 0x1122_3344_5566_7788);
        Transfer(control, length, address);
        Assert.Equal(1u, Control);
        Assert.Equal(BitConverter.GetBytes(0x1122_3344_5566_7788), Memory(Ram - 8, 8));
    }

    [Fact]
    public void Transfer_DescriptorOutsideOfRam_IsNothing()
    {
        Start(Ram - 8);
        Start(0xFFFF_FFF0);
        Assert.Equal(0u, Control);
    }

    [Fact]
    public void Port_OfTransfers_SaysThatThereAreSome()
    {
        Span<byte> name = stackalloc byte[8];
        _ = _config.Read(4, name[..4]);
        _ = _config.Read(8, name[4..]);
        Assert.True(name.SequenceEqual("QEMU CFG"u8));
    }

    private uint Control => BinaryPrimitives.ReadUInt32BigEndian(Memory(Descriptor, 4));

    private static (int Bytes, string Name) Entry(byte[] directory, int index, out ushort number)
    {
        ReadOnlySpan<byte> entry = directory.AsSpan(4 + (index * 64), 64);
        number = BinaryPrimitives.ReadUInt16BigEndian(entry[4..]);
        return (BinaryPrimitives.ReadInt32BigEndian(entry), Encoding.ASCII.GetString(entry[8..]).TrimEnd('\0'));
    }

    private void Select(ushort item) => _ = _config.Write(0, BitConverter.GetBytes(item));

    private byte[] Take(int count)
    {
        byte[] bytes = new byte[count];
        for (int i = 0; i < count; i++)
        {
            _ = _config.Read(1, bytes.AsSpan(i, 1));
        }

        return bytes;
    }

    private byte[] Memory(uint address, int count)
    {
        byte[] bytes = new byte[count];
        Assert.True(_memory.TryRead(new Gpa(address), bytes));
        return bytes;
    }

    private void Transfer(uint control, uint length, uint address)
    {
        byte[] words = new byte[16];
        BinaryPrimitives.WriteUInt32BigEndian(words, control);
        BinaryPrimitives.WriteUInt32BigEndian(words.AsSpan(4), length);
        BinaryPrimitives.WriteUInt32BigEndian(words.AsSpan(12), address);
        _ = _memory.TryWrite(new Gpa(Descriptor), words);
        Start(Descriptor);
    }

    private void Start(uint descriptor)
    {
        _ = _config.Write(4, [0, 0, 0, 0]);
        byte[] address = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(address, descriptor);
        _ = _config.Write(8, address);
    }
}
