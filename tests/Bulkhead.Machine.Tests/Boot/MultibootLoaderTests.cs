using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Bulkhead.Core.Memory;
using Bulkhead.Host;
using Bulkhead.Host.Files;
using Bulkhead.Machine.Boot;
using Bulkhead.X86.State;
using CsCheck;
using Xunit;

namespace Bulkhead.Machine.Tests.Boot;

public sealed class MultibootLoaderTests : IDisposable
{
    private const uint Address = 0x10_0000;
    private const uint Entry = Address + SyntheticMultiboot.Code;
    private static readonly byte[] s_code = [0xF4, 1, 2, 3];

    private readonly List<BootModule> _modules = [];
    private BootScreen? _screen;
    private readonly GuestMemory _memory = new("boot", 64 << 20);

    [Theory]
    [InlineData(MultibootShape.Elf32)]
    [InlineData(MultibootShape.Elf64)]
    [InlineData(MultibootShape.Addresses)]
    public void Load_AnyShape_EntersFlat32BitWithMagicAndInformation(MultibootShape shape)
    {
        Assert.True(_memory.TryWrite(new Gpa(Entry + 4), [9, 9]));
        BootState state = Load(SyntheticMultiboot.Make(shape, Address, s_code));
        Registers r = default;
        state.Apply(ref r);

        Assert.Equal((Entry, 32, 0), (r.Rip, r.CodeBits, r.Cpl));
        Assert.Equal(Cr0.PE, r.Cr0 & (Cr0.PG | Cr0.PE));
        Assert.Equal(0ul, r.Rflags & (1 << 9));
        Assert.Equal(0x2BAD_B002ul, state.Rax);
        Assert.Equal(0ul, state.Rbx & 3);
        Assert.Equal([.. s_code, 0, 0], Read(Entry, 6)); // bss behind it
        foreach (SegmentIndex s in (SegmentIndex[])[SegmentIndex.Ds, SegmentIndex.Es, SegmentIndex.Fs, SegmentIndex.Gs, SegmentIndex.Ss])
        {
            Assert.Equal((0ul, uint.MaxValue), (r.Segments[(int)s].Base, r.Segments[(int)s].Limit));
        }

        // The descriptors in memory say the same as those loaded.
        Assert.True(_memory.TryReadUInt64(new Gpa(r.GdtBase + r.Segments[(int)SegmentIndex.Cs].Selector), out ulong code));
        Assert.Equal(0x00CF_9B00_0000_FFFFul, code);
    }

    [Fact]
    public void Load_WithModules_InformationNamesEverything()
    {
        Module("first", "", [1, 2, 3]);
        Module("second", "a=b,c", new byte[5000]);
        BootState state = Load(SyntheticMultiboot.Make(MultibootShape.Elf32, Address, s_code), "one two");

        byte[] info = Read(state.Rbx, 116);
        Assert.Equal(0x24Du, Word(info, 0));
        Assert.Equal((639u, (64u << 10) - 1024), (Word(info, 4), Word(info, 8)));
        Assert.Equal("kernel one two", Text(Word(info, 16)));
        Assert.Equal("Bulkhead", Text(Word(info, 64)));
        Assert.Equal(2u, Word(info, 20));
        byte[] modules = Read(Word(info, 24), 32);
        Assert.Equal("first", Text(Word(modules, 8)));
        Assert.Equal("second a=b,c", Text(Word(modules, 24)));
        Assert.Equal([1, 2, 3], Read(Word(modules, 0), (int)(Word(modules, 4) - Word(modules, 0))));
        Assert.Equal(5000u, Word(modules, 20) - Word(modules, 16));
        Assert.All([Word(modules, 0), Word(modules, 16)], start => Assert.True(start % 4096 == 0 && start >= Entry));

        byte[] map = Read(Word(info, 48), (int)Word(info, 44));
        Assert.Equal(
            MemoryMap.Of(_memory).Select(static e => (20u, e.Start, e.Length, (uint)e.Type)),
            map.Chunk(24).Select(static e => (Word(e, 0), BinaryPrimitives.ReadUInt64LittleEndian(e.AsSpan(4)), BinaryPrimitives.ReadUInt64LittleEndian(e.AsSpan(12)), Word(e, 20))));
    }

    [Fact]
    public void Load_WithAScreen_InformationDescribesIt()
    {
        _screen = new BootScreen(0xE000_0000, 16 << 20, 800, 600, 3200);
        byte[] info = Read(Load(SyntheticMultiboot.Make(MultibootShape.Elf32, Address, s_code)).Rbx, 116);
        Assert.Equal(1u << 12, Word(info, 0) & (1 << 12));
        Assert.Equal(0xE000_0000ul, BinaryPrimitives.ReadUInt64LittleEndian(info.AsSpan(88)));
        Assert.Equal((3200u, 800u, 600u), (Word(info, 96), Word(info, 100), Word(info, 104)));
        Assert.Equal([32, 1, 16, 8, 8, 8, 0, 8], info[108..]);
    }

    [Fact]
    public void Load_KernelWhereTheInformationWouldLie_InformationGoesElsewhere()
    {
        BootState state = Load(SyntheticMultiboot.Make(MultibootShape.Elf32, 0x8200, new byte[0x3000]));
        Assert.Equal(0x8200ul + SyntheticMultiboot.Code, state.Rip);
        Assert.True(state.Rbx >= 0x8200 + 0x3000 + 0x1000, $"{state.Rbx:x}");
        Assert.Equal("kernel", Text(Word(Read(state.Rbx, 116), 16)));
    }

    [Fact]
    public void Load_KernelThatTakesAllLowMemory_InformationGoesBehindTheModules()
    {
        Module("module", "", [1]);
        BootState state = Load(SyntheticMultiboot.Make(MultibootShape.Elf32, 0x1000, new byte[0x9_D000]));
        Assert.True(state.Rbx > BootLayout.HighMemory + 0x1000, $"{state.Rbx:x}");
        Assert.Equal("kernel", Text(Word(Read(state.Rbx, 116), 16)));
    }

    [Fact]
    public void Load_PackedWithGzip_IsUnpacked()
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
        {
            gzip.Write(SyntheticMultiboot.Make(MultibootShape.Elf64, Address, s_code));
        }

        Assert.Equal(Entry, Load(packed.ToArray()).Rip);
        byte[] broken = packed.ToArray();
        broken[12] ^= 0xFF;
        Assert.Contains("gzip data that are broken", Refusal(broken), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(MultibootShape.Elf32, 3 | 8, "unknown 8")]
    [InlineData(MultibootShape.Elf64, 0x8001, "unknown 8000")]
    public void Load_NeedsWhatNobodyKnows_IsRefused(MultibootShape shape, uint flags, string words) =>
        Assert.Contains(words, Refusal(SyntheticMultiboot.Make(shape, Address, s_code, flags)), StringComparison.Ordinal);

    [Theory]
    [InlineData(0x9_F000u, "Give the machine more memory or link the kernel elsewhere")]
    [InlineData(0x400u, "RAM for it lies in [500, 9fc00) and [100000, 4000000)")]
    [InlineData(0x3FF_F000u, "Give the machine more memory")]
    [InlineData(0xB_8000u, "a segment wants [b8000")]
    public void Load_SegmentWhereNoRamIs_NamesWhereItMayLie(uint address, string words) =>
        Assert.Contains(words, Refusal(SyntheticMultiboot.Make(MultibootShape.Elf32, address, new byte[0x1000])), StringComparison.Ordinal);

    [Fact]
    public void Load_AddressFieldsThatDoNotFitTheFile_NamesThem()
    {
        byte[] image = SyntheticMultiboot.Make(MultibootShape.Addresses, Address, s_code);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(SyntheticMultiboot.HeaderAt + 20), Address + 0x1000);
        Assert.Contains("load 100000 to 101000", Refusal(image), StringComparison.Ordinal);
    }

    [Fact]
    public void Load_EnteredOutsideItsSegments_IsRefused()
    {
        byte[] image = SyntheticMultiboot.Make(MultibootShape.Addresses, Address, s_code);
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(SyntheticMultiboot.HeaderAt + 28), 0x20_0000);
        Assert.Contains("entered at 200000", Refusal(image), StringComparison.Ordinal);
    }

    [Fact]
    public void Load_ModuleTooLarge_NamesTheMemoryNeeded()
    {
        Module("big", "", new byte[64 << 20]);
        Assert.Contains("big: the module (65536 KiB) does not fit", Refusal(SyntheticMultiboot.Make(MultibootShape.Elf32, Address, s_code)), StringComparison.Ordinal);
    }

    [Fact]
    public void Load_LinuxWithModules_SaysWhatToGive()
    {
        Module("module", "", [1]);
        Assert.Contains("BzImage takes no modules; give an initial RAM disk", Refusal(SyntheticKernel.BzImage()), StringComparison.Ordinal);
    }

    [Fact]
    public void Load_MangledFile_IsLoadedOrRefusedInWords() =>
        Gen.Select(Gen.Enum<MultibootShape>(), Gen.Int[0, 0x104], Gen.UInt, Gen.Int[0, 0x110]).Sample(
            (shape, at, value, length) =>
            {
                byte[] image = SyntheticMultiboot.Make(shape, Address, s_code);
                if (at <= image.Length - 4)
                {
                    BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(at & ~3), value);
                }

                try
                {
                    _ = Load(image[..Math.Min(length, image.Length)]);
                }
                catch (OperatorException)
                {
                }
            },
            threads: 1);

    public void Dispose()
    {
        _modules.ForEach(static m => m.Bytes.Dispose());
        _memory.Dispose();
    }

    private BootState Load(byte[] kernel, string line = "") => KernelImage.Load(_memory, new BootRequest
    {
        KernelName = "/somewhere/kernel",
        Kernel = kernel,
        LinuxWords = "console=ttyS0",
        CommandLine = line,
        Modules = _modules,
        Screen = _screen,
        Rsdp = new Gpa(BootLayout.FirmwareStart),
    });

    private string Refusal(byte[] kernel) => Assert.Throws<OperatorException>(() => Load(kernel)).Message;

    private void Module(string name, string words, byte[] content)
    {
        string path = Path.GetTempFileName();
        File.WriteAllBytes(path, content);
        _modules.Add(new BootModule($"/elsewhere/{name}", words, FileBytes.Read(path)));
        File.Delete(path);
    }

    private byte[] Read(ulong address, int length)
    {
        byte[] bytes = new byte[length];
        Assert.True(_memory.TryRead(new Gpa(address), bytes));
        return bytes;
    }

    private string Text(uint address)
    {
        byte[] bytes = Read(address, 64);
        return Encoding.UTF8.GetString(bytes, 0, Array.IndexOf(bytes, (byte)0));
    }

    private static uint Word(byte[] bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at));
}
