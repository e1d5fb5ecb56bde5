using Bulkhead.Core.Memory;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Harness;

/// <content>Assembling: code, marks, fixups.</content>
internal sealed partial class Guest
{
    private readonly Dictionary<string, ulong> _marks = [];
    private readonly List<(ulong Start, ulong End, ulong Target)> _fixups = [];
    private readonly List<(string Name, int Index)> _newMarks = [];
    private readonly List<(int Start, int End)> _newCatches = [];
    private Assembler? _assembler;

    private Assembler Current => _assembler ?? throw new InvalidOperationException("Only while code is being made.");

    /// <summary>The address of a mark.</summary>
    public ulong At(string mark) => _marks[mark];

    /// <summary>All marks, in the order of their addresses.</summary>
    public IEnumerable<string> Marks => _marks.OrderBy(static m => m.Value).Select(static m => m.Key);

    /// <summary>Assembles code of a width to an address; several pieces may be placed before the guest runs.</summary>
    public void Place(int bits, ulong address, Action<Assembler> code)
    {
        _assembler = new Assembler(bits);
        code(_assembler);
        (byte[] bytes, ulong[] at) = Encode(_assembler, address);
        Assert.True(Memory.TryWrite(new Gpa(address), bytes));
        foreach ((string name, int index) in _newMarks)
        {
            _marks.Add(name, at[index]);
        }

        foreach ((int start, int end) in _newCatches)
        {
            _fixups.Add((at[start], at[end], at[end]));
            _fixups.Add((Layout.User + at[start], Layout.User + at[end], Layout.User + at[end]));
        }

        _newMarks.Clear();
        _newCatches.Clear();
        _assembler = null;
    }

    /// <summary>The bytes of a piece of code.</summary>
    public static byte[] Bytes(int bits, ulong address, Action<Assembler> code)
    {
        var a = new Assembler(bits);
        code(a);
        return Encode(a, address).Bytes;
    }

    /// <summary>Names the address of the next instruction.</summary>
    public void Mark(string name) => _newMarks.Add((name, Current.Instructions.Count));

    /// <summary>A fault in these instructions goes on behind them.</summary>
    public void Catch(Action instructions)
    {
        int start = Current.Instructions.Count;
        instructions();
        _newCatches.Add((start, Current.Instructions.Count));
    }

    /// <summary>One instruction under a name; a fault in it goes on behind it.</summary>
    public void Catch(string name, Action instruction)
    {
        Mark(name);
        Catch(instruction);
    }

    /// <summary>A fault at an address outside the code (a jump that went there) goes on at a mark, or its user address.</summary>
    public void CatchAt(ulong address, string mark, bool user = false) => _atMarks.Add((address, mark, user ? Layout.User : 0));

    /// <summary>Ends the guest well.</summary>
    public void Exit()
    {
        Current.mov(eax, 0);
        Current.@out(0xF4, eax);
        Current.hlt();
    }

    /// <summary>Ends the guest well, from any privilege level.</summary>
    public void UserExit() => Current.@int(Layout.ExitVector);

    /// <summary>Writes a register of the local APIC; destroys R11.</summary>
    public void Apic(int register, uint value)
    {
        Current.mov(r11d, (uint)Layout.LocalApic);
        Current.mov(__dword_ptr[r11 + register], value);
    }

    /// <summary>Enables the local APIC, with 0xFF as the spurious vector; destroys R11.</summary>
    public void EnableApic() => Apic(0xF0, 0x1FF);

    /// <summary>Sends this vCPU an interrupt through its APIC; destroys R11.</summary>
    public void SelfIpi(byte vector) => Apic(0x300, 0x4_0000u | vector);

    /// <summary>Writes an MSR; destroys RAX, RCX, RDX.</summary>
    public void Msr(uint msr, ulong value)
    {
        Current.mov(ecx, msr);
        Current.mov(eax, (uint)value);
        Current.mov(edx, (uint)(value >> 32));
        Current.wrmsr();
    }

    /// <summary>Has SYSCALL lead to an address and clear flags; destroys RAX, RCX, RDX.</summary>
    public void SystemCalls(ulong entry, ulong mask)
    {
        Msr(0xC000_0081, ((ulong)Layout.KernelCs << 32) | ((ulong)(Layout.User32Cs & ~3) << 48));
        Msr(0xC000_0082, entry);
        Msr(0xC000_0084, mask);
    }

    /// <summary>SYSRET to 64-bit code.</summary>
    public static void Sysret(Assembler a) => a.db(0x48, 0x0F, 0x07);

    /// <summary>Goes on at CPL 3 with the next instruction, at its user address; destroys RAX.</summary>
    public void ToUser(int rflags = 0x202)
    {
        Assembler a = Current;
        Label user = a.CreateLabel();
        a.push(Layout.UserDs);
        a.mov(eax, (int)Layout.UserStack);
        a.push(rax);
        a.push(rflags);
        a.push(Layout.UserCs);
        a.lea(rax, __[user]);
        a.add(rax, (int)Layout.User);
        a.push(rax);
        a.iretq();
        a.Label(ref user);
        a.nop();
    }

    private readonly List<(ulong Address, string Mark, ulong Alias)> _atMarks = [];

    private static (byte[] Bytes, ulong[] At) Encode(Assembler a, ulong address)
    {
        using var stream = new MemoryStream();
        AssemblerResult result = a.Assemble(new StreamCodeWriter(stream), address, BlockEncoderOptions.ReturnNewInstructionOffsets);
        byte[] bytes = stream.ToArray();
        uint[] offsets = result.Result[0].NewInstructionOffsets;
        Assert.DoesNotContain(uint.MaxValue, offsets);
        return (bytes, [.. offsets.Select(o => address + o), address + (ulong)bytes.Length]);
    }

    private void WriteFixups()
    {
        foreach ((ulong address, string mark, ulong alias) in _atMarks)
        {
            _fixups.Add((address, address + 1, _marks[mark] + alias));
        }

        ulong at = Layout.Fixups;
        foreach ((ulong start, ulong end, ulong target) in _fixups)
        {
            Write(at, start);
            Write(at + 8, end);
            Write(at + 16, target);
            at += 24;
        }

        Write(at, ulong.MaxValue);
        Assert.True(at < Layout.Events, "Too many fixups.");
    }
}
