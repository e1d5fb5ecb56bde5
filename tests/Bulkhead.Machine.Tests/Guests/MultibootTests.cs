using System.Globalization;
using System.Text;
using Bulkhead.Core.Memory;
using Bulkhead.Machine.Boot;
using Bulkhead.Machine.Tests.Boot;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Machine.Tests.Guests;

/// <summary>A Multiboot kernel of our own, in every kind of file, prints what it was told.</summary>
public sealed class MultibootTests
{
    private const uint Address = 0x10_0000;
    private const ulong Begin = Address + SyntheticMultiboot.Code;
    private const ulong Main = Begin + 0x200;
    private const int Long64 = 8;
    private static readonly byte[] s_content = Encoding.ASCII.GetBytes(string.Join(' ', Enumerable.Range(0, 2000)));

    [Theory]
    [InlineData(MultibootShape.Elf32)]
    [InlineData(MultibootShape.Elf64)]
    [InlineData(MultibootShape.Addresses)]
    public void Kernel_WithCommandLineAndModules_PrintsThemAndTheMemoryMap(MultibootShape shape)
    {
        using var machine = new TinyMachine();
        string kernel = string.Empty;
        string first = machine.TemporaryFile(s_content), second = machine.TemporaryFile("2"u8.ToArray());
        machine.Add(SyntheticMultiboot.Make(shape, Address, Kernel(shape == MultibootShape.Elf64)), d => d with
        {
            CommandLine = "colour=blue quiet",
            Modules = [new ModuleRequest(first, "one two"), new ModuleRequest(second, "")],
            DebugExit = (kernel = Path.GetFileName(d.KernelPath) ?? string.Empty).Length > 0,
        });

        Assert.Equal(7, Assert.Single(machine.Run()).ExitCode);

        var expected = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"{kernel} colour=blue quiet\n"));
        expected.Append(Path.GetFileName(first)).Append(" one two\n").Append(Encoding.ASCII.GetString(s_content)).Append('\n');
        expected.Append(Path.GetFileName(second)).Append("\n2\n");
        using var memory = new GuestMemory("same", 64 << 20);
        foreach (E820Entry e in MemoryMap.Of(memory))
        {
            expected.Append(CultureInfo.InvariantCulture, $"{e.Start:x8} {e.Length:x8} {(uint)e.Type:x8} \n");
        }

        Assert.Equal(expected.ToString(), machine.Output(0));
    }

    /// <summary>32-bit code that goes on to code of its own width, or in 64-bit mode to 64-bit code.</summary>
    private static byte[] Kernel(bool goLong)
    {
        var begin = new Assembler(32);
        Label fail = begin.CreateLabel();
        begin.cmp(eax, 0x2BAD_B002);
        begin.jne(fail);
        begin.mov(esp, 0x18_0000);
        if (goLong)
        {
            EnterLong(begin);
        }
        else
        {
            begin.jmp(Main);
        }

        begin.Label(ref fail);
        begin.mov(al, 1);
        begin.Exit();
        var main = new Assembler(goLong ? 64 : 32);
        Report(main);
        byte[] code = new byte[Main - Begin];
        Encode(begin, Begin).CopyTo(code, 0);
        return [.. code, .. Encode(main, Main)];
    }

    private static byte[] Encode(Assembler c, ulong address)
    {
        using var bytes = new MemoryStream();
        _ = c.Assemble(new StreamCodeWriter(bytes), address);
        return bytes.ToArray();
    }

    // Page tables (one 2 MiB page) at 0x190000, and a table of one 64-bit segment at 0x18F000.
    private static void EnterLong(Assembler c)
    {
        foreach ((int at, int value) in ((int, int)[])[(0, 0x19_1003), (0x1000, 0x19_2003), (0x2000, 0x83)])
        {
            c.mov(__dword_ptr[0x19_0000 + at], value);
            c.mov(__dword_ptr[0x19_0004 + at], 0);
        }

        c.mov(__dword_ptr[0x18_F000 + Long64], 0x0000_FFFF);
        c.mov(__dword_ptr[0x18_F004 + Long64], 0x00AF_9B00);
        c.mov(__word_ptr[0x18_EFF0], 15);
        c.mov(__dword_ptr[0x18_EFF2], 0x18_F000);
        c.lgdt(__[0x18_EFF0]);
        c.mov(eax, 0x19_0000);
        c.mov(cr3, eax);
        c.mov(eax, 0x20);
        c.mov(cr4, eax);
        c.mov(ecx, 0xC000_0080);
        c.rdmsr();
        c.or(eax, 0x100);
        c.wrmsr();
        c.mov(eax, unchecked((int)0x8000_0001));
        c.mov(cr0, eax);
        c.push(Long64);
        c.push((int)Main);
        c.retf();
    }

    private static void Report(Assembler c)
    {
        Label modules = c.CreateLabel(), noModules = c.CreateLabel(), map = c.CreateLabel(), noMap = c.CreateLabel();
        Label text = c.CreateLabel(), bytes = c.CreateLabel(), hex = c.CreateLabel();
        c.mov(esi, __dword_ptr[ebx + 16]);
        c.call(text);
        c.mov(ecx, __dword_ptr[ebx + 20]);
        c.mov(ebp, __dword_ptr[ebx + 24]);
        c.Label(ref modules);
        c.test(ecx, ecx);
        c.jz(noModules);
        c.mov(esi, __dword_ptr[ebp + 8]);
        c.call(text);
        c.mov(esi, __dword_ptr[ebp]);
        c.mov(edi, __dword_ptr[ebp + 4]);
        c.call(bytes);
        c.add(ebp, 16);
        c.dec(ecx);
        c.jmp(modules);
        c.Label(ref noModules);
        c.mov(ebp, __dword_ptr[ebx + 48]);
        c.mov(edi, __dword_ptr[ebx + 44]);
        c.add(edi, ebp);
        c.Label(ref map);
        c.cmp(ebp, edi);
        c.jae(noMap);
        foreach (int at in (ReadOnlySpan<int>)[4, 12, 20])
        {
            c.mov(esi, __dword_ptr[ebp + at]);
            c.call(hex);
        }

        c.Out(0x3F8, (byte)'\n');
        c.add(ebp, __dword_ptr[ebp]);
        c.add(ebp, 4);
        c.jmp(map);
        c.Label(ref noMap);
        c.mov(al, 3);
        c.Exit();

        Subroutines(c, text, bytes, hex);
    }

    // text: the text at ESI, and a new line; bytes: from ESI to EDI, and a new line; hex: ESI, and a space. They destroy EAX, EDX, ESI; hex ECX too.
    private static void Subroutines(Assembler c, Label text, Label bytes, Label hex)
    {
        Label textEnd = c.CreateLabel(), bytesEnd = c.CreateLabel(), digit = c.CreateLabel(), small = c.CreateLabel();
        c.Label(ref text);
        c.mov(dx, 0x3F8);
        c.mov(al, __byte_ptr[esi]);
        c.inc(esi);
        c.test(al, al);
        c.jz(textEnd);
        c.@out(dx, al);
        c.jmp(text);
        c.Label(ref textEnd);
        c.Out(0x3F8, (byte)'\n');
        c.ret();

        c.Label(ref bytes);
        c.mov(dx, 0x3F8);
        c.cmp(esi, edi);
        c.jae(bytesEnd);
        c.mov(al, __byte_ptr[esi]);
        c.inc(esi);
        c.@out(dx, al);
        c.jmp(bytes);
        c.Label(ref bytesEnd);
        c.Out(0x3F8, (byte)'\n');
        c.ret();

        c.Label(ref hex);
        c.mov(ecx, 8);
        c.mov(dx, 0x3F8);
        c.Label(ref digit);
        c.rol(esi, 4);
        c.mov(eax, esi);
        c.and(al, 15);
        c.cmp(al, 10);
        c.jb(small);
        c.add(al, (sbyte)('a' - '0' - 10));
        c.Label(ref small);
        c.add(al, (sbyte)'0');
        c.@out(dx, al);
        c.dec(ecx);
        c.jnz(digit);
        c.Out(0x3F8, (byte)' ');
        c.ret();
    }
}
