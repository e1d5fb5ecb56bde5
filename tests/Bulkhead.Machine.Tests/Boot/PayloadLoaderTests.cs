using System.Buffers.Binary;
using Bulkhead.Core.Memory;
using Bulkhead.Host;
using Bulkhead.Machine.Boot;
using CsCheck;
using K4os.Compression.LZ4;
using Xunit;

namespace Bulkhead.Machine.Tests.Boot;

/// <summary>A kernel packed with LZ4: two segments, and a field of each kind of relocation in the second.</summary>
public sealed class PayloadLoaderTests
{
    private const ulong Preferred = 0x100_0000, Second = Preferred + 0x20_0000, Map = 0xFFFF_FFFF_8000_0000;
    private const int FirstAt = 0x1000, FirstBytes = 0x9000, SecondAt = 0xA000, SecondBytes = 0x100;
    private const uint Narrow = 0x8123_4567, Negative = 0x0765_4321;
    private const ulong Wide = Map + 0x12_3456;

    [Fact]
    public void Load_Packed_PutsSegmentsInPlaceAndEntersTheKernelItself()
    {
        using var memory = new GuestMemory("boot", 64 << 20);
        byte[] elf = Elf();

        BootState state = KernelImage.Load(memory, Request(BzImage(elf), randomize: false));

        Assert.Equal(Preferred + 0x10, state.Rip);
        Assert.Equal(elf[FirstAt..(FirstAt + FirstBytes)], Read(memory, Preferred, FirstBytes));
        Assert.Equal(elf[SecondAt..(SecondAt + SecondBytes)], Read(memory, Second, SecondBytes));
        Assert.Equal(1, Read(memory, BootLayout.ZeroPage + 0x211, 1)[0] & 3);
    }

    [Fact]
    public void Load_Randomized_MovesEveryKindOfFieldByTheSame()
    {
        var places = new HashSet<ulong>();
        for (int i = 0; i < 20; i++)
        {
            using var memory = new GuestMemory("boot", 64 << 20);
            _ = KernelImage.Load(memory, Request(BzImage(Elf()), randomize: true));
            ulong moved = BinaryPrimitives.ReadUInt64LittleEndian(Read(memory, Second + 16, 8)) - Wide;

            Assert.InRange(moved, 0ul, (1ul << 30) - Preferred);
            Assert.Equal(0ul, moved & 0x1F_FFFF);
            Assert.Equal(Narrow + (uint)moved, BinaryPrimitives.ReadUInt32LittleEndian(Read(memory, Second, 4)));
            Assert.Equal(Negative - (uint)moved, BinaryPrimitives.ReadUInt32LittleEndian(Read(memory, Second + 8, 4)));
            Assert.Equal(3, Read(memory, BootLayout.ZeroPage + 0x211, 1)[0] & 3);
            _ = places.Add(moved);
        }

        Assert.True(places.Count > 1);
    }

    [Fact]
    public void Load_WithNokaslr_StaysInPlace()
    {
        using var memory = new GuestMemory("boot", 64 << 20);

        _ = KernelImage.Load(memory, Request(BzImage(Elf()), randomize: true, "quiet nokaslr"));

        Assert.Equal(Wide, BinaryPrimitives.ReadUInt64LittleEndian(Read(memory, Second + 16, 8)));
    }

    [Fact]
    public void Load_PackedThatMissesItsPreferredPlace_GoesLow()
    {
        using var memory = new GuestMemory("boot", 16 << 20);

        BootState state = KernelImage.Load(memory, Request(BzImage(Elf()), randomize: true));

        Assert.Equal(0x20_0010ul, state.Rip);
        Assert.NotEqual(0u, BinaryPrimitives.ReadUInt32LittleEndian(Read(memory, 0x20_0000 + (Second - Preferred), 4)));
    }

    [Fact]
    public void Load_PackedOtherwise_IsLeftToTheKernel()
    {
        using var memory = new GuestMemory("boot", 64 << 20);
        byte[] image = BzImage(Elf());
        image[2560] ^= 1;

        Assert.Equal(Preferred + 0x200, KernelImage.Load(memory, Request(image, randomize: true)).Rip);
    }

    [Fact]
    public void Load_MangledPayload_IsLoadedOrRefusedInWords()
    {
        using var memory = new GuestMemory("boot", 64 << 20);
        byte[] good = BzImage(Elf());
        Gen.Select(Gen.Int[2560, good.Length - 1], Gen.Byte).Sample(
            (at, value) =>
            {
                byte[] image = [.. good];
                image[at] = value;
                try
                {
                    _ = KernelImage.Load(memory, Request(image, randomize: true));
                }
                catch (OperatorException)
                {
                }
            },
            threads: 1);
    }

    private static BootRequest Request(byte[] kernel, bool randomize, string line = "console=ttyS0") =>
        new() { KernelName = "kernel", Kernel = kernel, CommandLine = line, Rsdp = new Gpa(BootLayout.FirmwareStart), Randomize = randomize };

    private static byte[] Elf()
    {
        byte[] elf = new byte[SecondAt + SecondBytes + 0x40];
        new Random(1).NextBytes(elf.AsSpan(FirstAt, FirstBytes));
        "\u007fELF\u0002\u0001"u8.CopyTo(elf);
        Word(elf, 18, 62);
        Long(elf, 24, Preferred + 0x10);
        Long(elf, 32, 64);
        Word(elf, 54, 56 | (2 << 16));
        Segment(64, FirstAt, Preferred, FirstBytes, FirstBytes);
        Segment(120, SecondAt, Second, SecondBytes, 0x1000);
        Word(elf, SecondAt, Narrow);
        Word(elf, SecondAt + 8, Negative);
        Long(elf, SecondAt + 16, Wide);

        // The table: of 64-bit fields, of negative ones, of 32-bit fields, each behind a zero.
        const uint Field = unchecked((uint)(Map + Second));
        uint[] table = [0, Field + 16, 0, Field + 8, 0, Field];
        for (int i = 0; i < table.Length; i++)
        {
            Word(elf, elf.Length - (4 * (table.Length - i)), table[i]);
        }

        return elf;

        void Segment(int at, ulong offset, ulong address, ulong bytes, ulong memory)
        {
            Word(elf, at, 1);
            Long(elf, at + 8, offset);
            Long(elf, at + 24, address);
            Long(elf, at + 32, bytes);
            Long(elf, at + 40, memory);
        }
    }

    private static byte[] BzImage(byte[] elf)
    {
        byte[] packed = new byte[LZ4Codec.MaximumOutputSize(elf.Length)];
        int length = LZ4Codec.Encode(elf, packed);
        byte[] image = [.. SyntheticKernel.BzImage(0x40_0000)[..2560], .. new byte[8 + length + 4]];
        Word(image, 0x248, 0);
        Word(image, 0x24C, (uint)(8 + length + 4));
        Word(image, 0x1F4, (uint)((8 + length + 4 + 15) / 16));
        Word(image, 2560, 0x184C_2102);
        Word(image, 2564, (uint)length);
        packed.AsSpan(0, length).CopyTo(image.AsSpan(2568));
        Word(image, image.Length - 4, (uint)elf.Length);
        return image;
    }

    private static void Word(byte[] bytes, int at, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), value);

    private static void Long(byte[] bytes, int at, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at), value);

    private static byte[] Read(GuestMemory memory, ulong address, int length)
    {
        byte[] bytes = new byte[length];
        Assert.True(memory.TryRead(new Gpa(address), bytes));
        return bytes;
    }
}
