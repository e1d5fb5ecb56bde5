using System.Buffers.Binary;
using System.Text;
using Bulkhead.Core.Memory;
using Bulkhead.Host;
using Bulkhead.Machine.Boot;
using Bulkhead.X86.State;
using CsCheck;
using Xunit;

namespace Bulkhead.Machine.Tests.Boot;

public sealed class LoaderTests
{
    private static readonly byte[] s_initrd = Enumerable.Range(0, 5000).Select(static i => (byte)(i * 7)).ToArray();

    [Fact]
    public void Load_BzImage_FollowsThe64BitProtocol()
    {
        using var memory = new GuestMemory("boot", 64 << 20);
        BootState state = KernelImage.Load(memory, Request(SyntheticKernel.BzImage()));
        Registers r = default;
        state.Apply(ref r);

        Assert.Equal(0x100_0200ul, r.Rip);
        Assert.Equal(BootLayout.ZeroPage, Rsi(ref r));
        Assert.True(r.Code64);
        Assert.Equal(0, r.Cpl);
        Assert.Equal(Rflags.Fixed, r.Rflags);
        Assert.Equal(0x10, r.Segments[(int)SegmentIndex.Cs].Selector);
        Assert.Equal(0x18, r.Segments[(int)SegmentIndex.Ds].Selector);
        Assert.Equal(Cr0.PG | Cr0.PE, r.Cr0 & (Cr0.PG | Cr0.PE));
        Assert.Equal(SyntheticKernel.BzImage()[2560..2570], Read(memory, 0x100_0000, 10));
    }

    [Fact]
    public void Load_BzImage_ZeroPageNamesEverything()
    {
        using var memory = new GuestMemory("boot", 64 << 20);
        _ = KernelImage.Load(memory, Request(SyntheticKernel.BzImage()));
        byte[] page = Read(memory, BootLayout.ZeroPage, 4096);
        Assert.Equal(0xE_0000ul, BinaryPrimitives.ReadUInt64LittleEndian(page.AsSpan(0x70)));
        Assert.Equal("HdrS", Encoding.ASCII.GetString(page, 0x202, 4));
        Assert.Equal(0xFF, page[0x210]);
        uint initrd = BinaryPrimitives.ReadUInt32LittleEndian(page.AsSpan(0x218));
        Assert.Equal(0u, initrd & 0xFFF);
        Assert.Equal((uint)s_initrd.Length, BinaryPrimitives.ReadUInt32LittleEndian(page.AsSpan(0x21C)));
        Assert.Equal((64u << 20) - 0x2000, initrd);
        Assert.Equal(s_initrd, Read(memory, initrd, s_initrd.Length));
        uint line = BinaryPrimitives.ReadUInt32LittleEndian(page.AsSpan(0x228));
        Assert.Equal("console=ttyS0\0", Encoding.ASCII.GetString(Read(memory, line, 14)));
    }

    [Fact]
    public void Load_BzImageWithAScreen_ZeroPageDescribesIt()
    {
        using var memory = new GuestMemory("boot", 64 << 20);
        _ = KernelImage.Load(memory, Request(SyntheticKernel.BzImage()) with { Screen = new BootScreen(0xE0_E000_0000, 16 << 20, 800, 600, 3200) });
        byte[] page = Read(memory, BootLayout.ZeroPage, 64);
        Assert.Equal(0x70, page[0x0F]);
        Assert.Equal((800, 600, 32), (Word(page, 0x12), Word(page, 0x14), Word(page, 0x16)));
        Assert.Equal((0xE000_0000u, 16u << 20), (BinaryPrimitives.ReadUInt32LittleEndian(page.AsSpan(0x18)), BinaryPrimitives.ReadUInt32LittleEndian(page.AsSpan(0x1C))));
        Assert.Equal(3200, Word(page, 0x24));
        Assert.Equal([8, 16, 8, 8, 8, 0, 8, 24], page[0x26..0x2E]);
        Assert.Equal((2, 0xE0), (Word(page, 0x36), Word(page, 0x3A)));
        static int Word(byte[] page, int at) => BinaryPrimitives.ReadUInt16LittleEndian(page.AsSpan(at));
    }

    [Fact]
    public void Load_BzImage_IdentityMapsFourGiB()
    {
        using var memory = new GuestMemory("boot", 64 << 20);
        BootState state = KernelImage.Load(memory, Request(SyntheticKernel.BzImage()));
        foreach (ulong address in new[] { 0ul, 0x100_0000ul, 0xFEE0_0000ul, 0xFFFF_FFFFul })
        {
            Assert.True(memory.TryReadUInt64(new Gpa(state.Cr3), out ulong pml4));
            Assert.True(memory.TryReadUInt64(new Gpa((pml4 & ~0xFFFul) + ((address >> 30) * 8)), out ulong pdpt));
            Assert.True(memory.TryReadUInt64(new Gpa((pdpt & ~0xFFFul) + (((address >> 21) & 511) * 8)), out ulong pd));
            Assert.Equal((address & ~0x1F_FFFFul) | 0x83, pd);
        }
    }

    [Fact]
    public void Load_BzImageInLittleMemory_NamesTheMemoryNeeded()
    {
        using var memory = new GuestMemory("boot", 32 << 20);
        OperatorException e = Assert.Throws<OperatorException>(() => KernelImage.Load(memory, Request(SyntheticKernel.BzImage(0x300_0000))));
        Assert.Contains("MiB", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_BzImageThatMissesItsPreferredPlace_GoesLow()
    {
        using var memory = new GuestMemory("boot", 16 << 20);
        BootState state = KernelImage.Load(memory, Request(SyntheticKernel.BzImage()));
        Assert.Equal(0x20_0200ul, state.Rip);
    }

    [Fact]
    public void Load_Pvh_EntersFlat32BitWithStartInfo()
    {
        using var memory = new GuestMemory("boot", 64 << 20);
        BootState state = KernelImage.Load(memory, Request(SyntheticKernel.Pvh()));
        Registers r = default;
        state.Apply(ref r);
        Assert.Equal(0x100_0040ul, r.Rip);
        Assert.Equal(32, r.CodeBits);
        Assert.Equal(0ul, r.Cr0 & Cr0.PG);
        byte[] info = Read(memory, state.Rbx, 56);
        Assert.Equal(0x336E_C578u, BinaryPrimitives.ReadUInt32LittleEndian(info));
        Assert.Equal(1u, BinaryPrimitives.ReadUInt32LittleEndian(info.AsSpan(12)));
        ulong initrd = BinaryPrimitives.ReadUInt64LittleEndian(Read(memory, BinaryPrimitives.ReadUInt64LittleEndian(info.AsSpan(16)), 8));
        Assert.Equal(s_initrd, Read(memory, initrd, s_initrd.Length));
    }

    [Fact]
    public void Load_BzImageWithout64BitEntry_IsEnteredAtItsStartIn32BitMode()
    {
        using var memory = new GuestMemory("boot", 64 << 20);
        byte[] image = SyntheticKernel.BzImage();
        image[0x236] = 0;
        BootState state = KernelImage.Load(memory, Request(image));
        Registers r = default;
        state.Apply(ref r);
        Assert.Equal((0x100_0000ul, 32), (r.Rip, r.CodeBits));
        Assert.Equal(Cr0.PE, r.Cr0 & (Cr0.PG | Cr0.PE));
        Assert.Equal(BootLayout.ZeroPage, Rsi(ref r));
        Assert.True(memory.TryReadUInt64(new Gpa(r.GdtBase + 0x10), out ulong code));
        Assert.Equal(0x00CF_9B00_0000_FFFFul, code);
        Assert.Equal("HdrS", Encoding.ASCII.GetString(Read(memory, BootLayout.ZeroPage + 0x202, 4)));
    }

    [Fact]
    public void Load_Vmlinux_EntersIn64BitModeWithAZeroPage()
    {
        using var memory = new GuestMemory("boot", 64 << 20);
        byte[] image = SyntheticMultiboot.Make(MultibootShape.Elf64, 0x100_0000, [0x90, 0x90]);
        image.AsSpan(SyntheticMultiboot.HeaderAt, 12).Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(24), 0x100_0000 + SyntheticMultiboot.Code);
        BootState state = KernelImage.Load(memory, Request(image));
        Registers r = default;
        state.Apply(ref r);
        Assert.Equal(0x100_0000ul + SyntheticMultiboot.Code, r.Rip);
        Assert.True(r.Code64);
        Assert.Equal([0x90, 0x90], Read(memory, r.Rip, 2));
        byte[] page = Read(memory, Rsi(ref r), 4096);
        Assert.Equal("HdrS", Encoding.ASCII.GetString(page, 0x202, 4));
        Assert.Equal(0x20F, BinaryPrimitives.ReadUInt16LittleEndian(page.AsSpan(0x206)));
        uint initrd = BinaryPrimitives.ReadUInt32LittleEndian(page.AsSpan(0x218));
        Assert.Equal(s_initrd, Read(memory, initrd, s_initrd.Length));
        Assert.Equal(4, page[0x1E8]);
    }

    [Fact]
    public void Detect_ElfOfSomethingElse_SaysWhatItLacks()
    {
        byte[] image = SyntheticMultiboot.Make(MultibootShape.Elf64, 0x100_0000, [0x90]);
        image.AsSpan(SyntheticMultiboot.HeaderAt, 12).Clear();
        OperatorException e = Assert.Throws<OperatorException>(() => KernelImage.Detect(image, "program"));
        Assert.Contains("program: an ELF file of 64 bits with 1 program headers, but without a PVH note or a Multiboot header", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(64ul << 20, 4)]
    [InlineData(4096ul << 20, 5)]
    public void MemoryMap_AnySize_IsSortedAndCoversAllRam(ulong size, int entries)
    {
        using var memory = new GuestMemory("boot", size);
        E820Entry[] map = MemoryMap.Of(memory);
        Assert.Equal(entries, map.Length);
        for (int i = 1; i < map.Length; i++)
        {
            Assert.True(map[i - 1].Start + map[i - 1].Length <= map[i].Start);
        }

        ulong high = map.Where(static e => e.Type == E820Type.Ram && e.Start >= BootLayout.HighMemory).Aggregate(0ul, static (s, e) => s + e.Length);
        Assert.Equal(size - BootLayout.HighMemory, high);
    }

    [Theory]
    [InlineData("28b52ffd", "zstd")]
    [InlineData("514649fb", "qcow2")]
    [InlineData("", "empty")]
    [InlineData("00112233445566778899", "00 11 22 33")]
    public void Detect_AnythingElse_SaysWhatWasFound(string hex, string words)
    {
        OperatorException e = Assert.Throws<OperatorException>(() => KernelImage.Detect(Convert.FromHexString(hex), "file"));
        Assert.Contains(words, e.Message, StringComparison.Ordinal);
        Assert.Contains("Accepted", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_MangledFile_IsLoadedOrRefusedInWords()
    {
        using var memory = new GuestMemory("boot", 64 << 20);
        Gen.Select(Gen.Bool, Gen.Int[0, 0x270], Gen.Byte, Gen.Int[0, 6656]).Sample(
            (elf, at, value, length) =>
            {
                byte[] image = elf ? SyntheticKernel.Pvh() : SyntheticKernel.BzImage();
                if (at < image.Length)
                {
                    image[at] = value;
                }

                try
                {
                    _ = KernelImage.Load(memory, Request(image[..Math.Min(length, image.Length)]));
                }
                catch (OperatorException)
                {
                }
            },
            threads: 1);
    }

    [Fact]
    public void Load_CachedKernels_AreAccepted()
    {
        string cache = Path.Combine(
            Environment.GetEnvironmentVariable("XDG_CACHE_HOME") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
            "bulkhead", "images");
        // Not those of images that another process is making right now.
        string[] kernels = Directory.Exists(cache) ? [.. Directory.GetFiles(cache, "vmlinuz*", SearchOption.AllDirectories).Where(static k => !k.Contains("/.making-", StringComparison.Ordinal))] : [];
        Assert.SkipWhen(kernels.Length == 0, $"no kernel under {cache}");
        using var memory = new GuestMemory("boot", 256 << 20);
        foreach (string kernel in kernels)
        {
            BootState state = KernelImage.Load(memory, Request(File.ReadAllBytes(kernel)));
            Assert.True(state.Rip >= BootLayout.HighMemory);
        }
    }

    private static BootRequest Request(byte[] kernel) => new()
    {
        KernelName = "kernel",
        Kernel = kernel,
        Initrd = s_initrd,
        LinuxWords = "console=ttyS0",
        Rsdp = new Gpa(BootLayout.FirmwareStart),
    };

    private static unsafe ulong Rsi(ref Registers r) => r.Gpr[6];

    private static byte[] Read(GuestMemory memory, ulong address, int length)
    {
        byte[] bytes = new byte[length];
        Assert.True(memory.TryRead(new Gpa(address), bytes));
        return bytes;
    }
}
