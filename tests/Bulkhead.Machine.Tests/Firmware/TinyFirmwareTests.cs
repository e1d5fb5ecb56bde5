using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Machine.Tests.Firmware;

/// <summary>What firmware finds at the reset vector, and what of it cannot be changed or misused.</summary>
public sealed class TinyFirmwareTests
{
    private const int Done = 42;
    private const ushort Scratch = 0x8000;
    private const uint OutsideRam = TinyFirmware.RamBytes;

    public static TheoryData<int, int> Routines { get; } = new(
        from paragraph in new[] { 0xF000, 0xEF00, 0xEFFF, 0xEF01 }
        from at in new[] { 0x800, 0xFE0, 0xFF7, 0xFF8, 0xFF9, 0xFFE, 0xFFF }
        select (paragraph, at));

    [Fact]
    public void Reset_AtTheVector_RunsTheRomsCopyInRealMode() => AssertDone(static c =>
    {
        c.mov(ax, cs);
        c.cmp(ax, 0xF000);
        c.ExitUnlessEqual(1);
        c.smsw(ax);
        c.test(al, 1);
        c.ExitUnlessEqual(2);
    });

    [Fact]
    public void Store_CopyOfTheRom_IsLostUntilTheHostBridgeAllowsIt() => AssertDone(static c =>
    {
        c.mov(ax, 0xF000);
        c.mov(ds, ax);
        c.mov(bl, __byte_ptr[Scratch]);
        c.mov(__byte_ptr[Scratch], 0x5A);
        c.cmp(__byte_ptr[Scratch], bl);
        c.ExitUnlessEqual(1);

        c.Out32(0xCF8, 0x8000_0058);
        c.Out(0xCFD, 0x30);
        c.mov(__byte_ptr[Scratch], 0x5A);
        c.cmp(__byte_ptr[Scratch], 0x5A);
        c.ExitUnlessEqual(2);

        c.Out32(0xCF8, 0x8000_0058);
        c.Out(0xCFD, 0x10);
        c.mov(__byte_ptr[Scratch], 0xA5);
        c.cmp(__byte_ptr[Scratch], 0x5A);
        c.ExitUnlessEqual(3);
    });

    [Fact]
    public void Store_RomBelow4GiB_IsLost() => AssertDone(static c =>
    {
        LoadFlat(c);
        c.mov(esi, 0xFFFF_8000);
        c.mov(bl, __byte_ptr[esi]);
        c.mov(__byte_ptr[esi], 0x5A);
        c.cmp(__byte_ptr[esi], bl);
        c.ExitUnlessEqual(1);
        c.mov(ecx, __dword_ptr[esi + 0x7FF0]);
        c.cmp(ecx, 0x0000_00EA);
        c.ExitUnlessEqual(2);
    });

    // In one page, and over a page's end at each of its first bytes.
    [Theory]
    [MemberData(nameof(Routines))]
    public void Call_CodeSegmentOfAnotherBase_RunsTheRoutineThere(int paragraph, int at) => AssertDone(
        c =>
        {
            c.xor(ax, ax);
            c.mov(ss, ax);
            c.mov(sp, Scratch);
            c.xor(cx, cx);
            c.push(paragraph);
            c.push(unchecked((short)(at + ((0xF000 - paragraph) << 4))));
            c.retf();
        },
        c =>
        {
            Label again = c.CreateLabel();
            Label near = c.CreateLabel();
            Label over = c.CreateLabel();
            c.mov(dx, 100);
            c.Label(ref again);
            c.call(near);
            c.dec(dx);
            c.jne(again);
            c.mov(ax, cs);
            c.cmp(ax, (ushort)paragraph);
            c.ExitUnlessEqual(1);
            c.cmp(cx, (ushort)100);
            c.ExitUnlessEqual(2);
            c.jmp(over);
            c.Label(ref near);
            c.inc(cx);
            c.ret();
            c.Label(ref over);
            c.Exit(Done);
        },
        at);

    [Theory]
    [InlineData(OutsideRam, 4u)]
    [InlineData(OutsideRam - 2, 4u)]
    [InlineData(0xFFFF_FFFCu, 4u)]
    [InlineData(0xFFFF_0000u, 16u)]
    [InlineData(0u, 0xFFFF_FFFFu)]
    public void Transfer_OutsideOfRam_EndsWithItsErrorBit(uint address, uint length) => AssertDone(c =>
    {
        Transfer(c, control: 0x0000_000A, length, address);
        c.cmp(__dword_ptr[Scratch], 0x0100_0000);
        c.ExitUnlessEqual(1);
        c.cmp(__dword_ptr[Scratch - 4], 0x1234_5678);
        c.ExitUnlessEqual(2);
    });

    [Fact]
    public void Transfer_IntoRam_CopiesTheItem() => AssertDone(static c =>
    {
        Transfer(c, control: 0x0000_000A, length: 4, address: Scratch + 0x100);
        c.cmp(__dword_ptr[Scratch], 0);
        c.ExitUnlessEqual(1);
        c.cmp(__dword_ptr[Scratch + 0x100], 0x554D_4551); // QEMU
        c.ExitUnlessEqual(2);
    });

    private static void AssertDone(Action<Assembler> code) => AssertDone(
        c =>
        {
            code(c);
            c.Exit(Done);
        },
        static _ => { },
        at: 0x800);

    private static void AssertDone(Action<Assembler> code, Action<Assembler> routine, int at) => Assert.Equal(Done, TinyFirmware.Run(code, routine, at));

    /// <summary>A descriptor at 0000:8000, and a word before it that nobody is to touch.</summary>
    private static void Transfer(Assembler c, uint control, uint length, uint address)
    {
        c.xor(ax, ax);
        c.mov(ds, ax);
        c.mov(__dword_ptr[Scratch - 4], 0x1234_5678);
        uint at = Scratch;
        foreach (uint word in (ReadOnlySpan<uint>)[control, length, 0, address])
        {
            c.mov(__dword_ptr[at], unchecked((int)System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(word)));
            at += 4;
        }

        c.Out32(0x514, 0);
        c.Out32(0x518, System.Buffers.Binary.BinaryPrimitives.ReverseEndianness((uint)Scratch));
    }

    /// <summary>Gives DS a limit of 4 GiB, which it keeps in real mode.</summary>
    private static void LoadFlat(Assembler c)
    {
        Label protectedMode = c.CreateLabel();
        c.xor(ax, ax);
        c.mov(ds, ax);
        c.mov(__dword_ptr[Scratch + 8], 0x0000_FFFF);
        c.mov(__dword_ptr[Scratch + 12], 0x00CF_9300);
        c.mov(__word_ptr[Scratch + 16], 15);
        c.mov(__dword_ptr[Scratch + 18], Scratch);
        c.lgdt(__[Scratch + 16]);
        c.mov(eax, cr0);
        c.or(al, 1);
        c.mov(cr0, eax);
        c.jmp(protectedMode);
        c.Label(ref protectedMode);
        c.mov(bx, 8);
        c.mov(ds, bx);
        c.and(al, 0xFE);
        c.mov(cr0, eax);
    }
}
