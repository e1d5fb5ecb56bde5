using Bulkhead.Translator.Emit;
using Bulkhead.Translator.State;
using Iced.Intel;

namespace Bulkhead.Translator.Verify;

/// <summary>Proves of the thunks what can be said of code that is trusted by nature.</summary>
/// <remarks>Both decoders agree on them; they hold only instructions of a short list; their memory operands are fields of the
/// state outside its tables, the two FXSAVE images given to them, and a jump-cache entry in the exact lookup of each view; they call nothing but
/// what the state's <see cref="VcpuState.Answer"/> names.</remarks>
internal static class ThunkVerifier
{
    /// <summary>Verifies the thunks of a code space.</summary>
    internal static Violation? Verify(ThunkPlaces thunks, ReadOnlySpan<byte> code, ulong address, EngineOptions options)
    {
        var listing = new Listing();
        if (!listing.TryRead(code, out int offset, out string rule))
        {
            return At(code, offset, rule);
        }

        for (int i = 0; i < listing.Count;)
        {
            ref ListedInstruction item = ref listing[i];
            int view = Array.IndexOf(thunks.Indirect, address + (ulong)item.Offset);
            if (view >= 0)
            {
                byte[] expected = Indirect(view, address + (ulong)item.Offset, thunks.Leave, options);
                if (!code[item.Offset..].StartsWith(expected))
                {
                    return At(code, item.Offset, "the lookup of an indirect target is not as it must be");
                }

                int end = item.Offset + expected.Length;
                i = end < listing.Length ? listing.At(end) : listing.Count;
                continue;
            }

            int miss = Array.IndexOf(thunks.SlotMiss, address + (ulong)item.Offset);
            int window = Array.IndexOf(thunks.WindowMiss, address + (ulong)item.Offset);
            int look = Array.IndexOf(thunks.LookUp, address + (ulong)item.Offset);
            if (miss >= 0 || window >= 0 || look >= 0)
            {
                byte[] expected = miss >= 0 ? Miss(miss >> 1, (miss & 1) != 0, MissKind.Slot)
                    : window >= 0 ? Miss(0, window != 0, MissKind.Window) : Miss(look >> 1, (look & 1) != 0, MissKind.None);
                if (!code[item.Offset..].StartsWith(expected))
                {
                    return At(code, item.Offset, "the lookup of a page is not as it must be");
                }

                i = listing.At(item.Offset + expected.Length);
                continue;
            }

            if (address + (ulong)item.Offset == thunks.Cpuid)
            {
                byte[] expected = Cpuid();
                if (!code[item.Offset..].StartsWith(expected))
                {
                    return At(code, item.Offset, "the lookup of an answer to CPUID is not as it must be");
                }

                i = listing.At(item.Offset + expected.Length);
                continue;
            }

            if (Check(listing, item, address, thunks) is { } broken)
            {
                return At(code, item.Offset, broken);
            }

            i++;
        }

        return null;
    }

    private static Violation At(ReadOnlySpan<byte> code, int offset, string rule) =>
        new(0, offset, Convert.ToHexString(code.Slice(offset, Math.Min(15, code.Length - offset))), rule);

    private static string? Check(Listing listing, in ListedInstruction item, ulong address, ThunkPlaces thunks)
    {
        ref readonly Instruction i = ref item.Iced;
        ref readonly HostInstruction own = ref item.Own;
        if (i.FlowControl is FlowControl.ConditionalBranch or FlowControl.UnconditionalBranch or FlowControl.Call && !own.HasMemory)
        {
            ulong target = i.NearBranchTarget;
            bool known = (target < (ulong)listing.Length && listing.At((int)target) >= 0) || address + target == thunks.Leave;
            return known ? null : "a branch out of the thunks";
        }

        switch (i.Mnemonic)
        {
            case Mnemonic.Fxsave64 or Mnemonic.Fxrstor64:
                return own is { Base: 7, Index: -1, Displacement: 0, Segment: 0 } ? null : "an image elsewhere than it was given";
            case Mnemonic.Lea:
                return own is { Base: 4, Index: -1, Reg: 4, Displacement: -8 or 8 } ? null : "an address of no known use";
            case Mnemonic.Fninit or Mnemonic.Vzeroupper or Mnemonic.Vptest or Mnemonic.Lahf or Mnemonic.Sahf or Mnemonic.Seto or Mnemonic.Ret:
                return own.HasMemory ? "an operand of no known form" : null;
            case Mnemonic.Mov or Mnemonic.Movzx or Mnemonic.Add or Mnemonic.And or Mnemonic.Or or Mnemonic.Xor or Mnemonic.Test or Mnemonic.Shl or Mnemonic.Shr or Mnemonic.Sar or Mnemonic.Cmp or Mnemonic.Pop or Mnemonic.Stmxcsr or Mnemonic.Ldmxcsr
                or Mnemonic.Vmovups or Mnemonic.Vorps:
                return !IsField(i, own) ? "an operand that is no field of the state"
                    : own.HasMemory && i.Op0Register == Register.RSP && !IsStackPointer(own.Displacement) ? "a stack pointer from another field" : null;
            case Mnemonic.Call:
                return own is { Base: -1, Index: -1, Segment: 0x65 } && own.Displacement == Offsets.Answer ? null : "a call of no known function";
            case Mnemonic.Bt:
                return own.HasMemory ? "an operand of no known form" : null;
            case Mnemonic.Push:
                return !own.HasMemory || (own is { Base: -1, Index: -1, Segment: 0x65 } && own.Displacement == Offsets.ResumeAddress)
                    ? null : "a return to no known place";
            default:
                return "an instruction no thunk may hold";
        }
    }

    private static bool IsStackPointer(long field) =>
        field == Offsets.ReturnStackPointer || field == Offsets.SavedReturnStack || field == Offsets.UserReturnStack || field == Offsets.HostStackPointer;

    private static bool IsField(in Instruction i, in HostInstruction own) =>
        !own.HasMemory
        || (own is { Base: -1, Index: -1, Segment: 0x65 } && own.Displacement >= Offsets.Tlb + (VcpuState.Views * VcpuState.TlbEntries * 32)
            && own.Displacement + i.MemorySize.GetSize() <= Offsets.CodeTlb);

    /// <summary>Keeps r10, r11, rax; leaves where the operand crosses the page, or the data TLB has another page, or for a window the
    /// entry is worn out; else, for a slot, moves the entry's tag and host address to the one that was pushed; r10 = host address.</summary>
    private static byte[] Miss(int view, bool write, MissKind kind)
    {
        var b = new List<byte>();
        void Add(params ReadOnlySpan<byte> bytes) => b.AddRange(bytes);
        void Field(ReadOnlySpan<byte> instruction, int value)
        {
            b.AddRange(instruction);
            b.AddRange(BitConverter.GetBytes(value));
        }

        void Entry(byte opcode, int value)
        {
            Add(0x65, 0x4D, opcode);
            if (view == 0)
            {
                Add(0x53, (byte)value);
            }
            else
            {
                Field([0x93], value);
            }
        }

        int table = Offsets.Tlb + (view * VcpuState.TlbEntries * 32);
        int tag = table + (write ? 8 : 0);
        Field([0x65, 0x4C, 0x89, 0x14, 0x25], Offsets.Scratch0);
        Field([0x65, 0x4C, 0x89, 0x1C, 0x25], Offsets.Scratch1);
        Field([0x65, 0x48, 0x89, 0x04, 0x25], Offsets.SavedRax);
        Add(0x41, 0x8B, 0xC2, 0x81, 0xE0, 0xFF, 0x0F, 0x00, 0x00); // mov eax, r10d; and eax, 4095
        Add(0x41, 0xC1, 0xEB, 0x08, 0x45, 0x0F, 0xB6, 0xDB, 0x41, 0x03, 0xC3); // shr r11d, 8; movzx r11d, r11b; add eax, r11d
        Add(0x81, 0xF8, 0x00, 0x10, 0x00, 0x00, 0x0F, 0x87); // cmp eax, 4096; ja
        int crosses = b.Count;
        Field([], 0);
        Add(0xC4, 0x43, 0x7B, 0xF0, 0xDA, 0x07, 0x41, 0x81, 0xE3, 0xE0, 0xFF, 0x07, 0x00);
        Entry(0x33, tag);
        Add(0x49, 0x81, 0xFA, 0xFF, 0x0F, 0x00, 0x00, 0x0F, 0x87);
        int miss = b.Count;
        Field([], 0);
        int worn = -1;
        if (kind == MissKind.Window)
        {
            Add(0x65, 0x41, 0x83, 0x6B, 28, 0x01, 0x0F, 0x88); // sub dword gs:[r11 + patience], 1; js
            worn = b.Count;
            Field([], 0);
        }
        else if (kind == MissKind.Slot)
        {
            Add(0x48, 0x8B, 0x44, 0x24, 0x08); // mov rax, [rsp + 8]
            Add([0x65, 0x45, 0x8B, .. view == 0 ? [0x53, 24] : (byte[])[0x93, .. BitConverter.GetBytes(table + 24)]]); // mov r10d, what tells global pages
            Add(0x41, 0x83, 0xE2, 0x01);
            Field([0x65, 0x41, 0xC6, 0x82], Offsets.SlotsFilled + (2 * view)); // mov byte gs:[r10 + filled], 1
            Add(0x01);
            Entry(0x8B, tag);
            Add(0x65, 0x4C, 0x89, 0x10); // mov gs:[rax], r10
        }

        Entry(0x8B, table + 16);
        if (kind == MissKind.Slot)
        {
            Add(0x65, 0x4C, 0x89, 0x50, 0x08); // mov gs:[rax + 8], r10
        }

        Field([0x65, 0x4C, 0x8B, 0x1C, 0x25], Offsets.Scratch0);
        Add(0x41, 0x81, 0xE3, 0xFF, 0x0F, 0x00, 0x00, 0x4D, 0x03, 0xD3, 0x45, 0x33, 0xDB); // and r11d, 4095; add r10, r11; xor r11d, r11d
        Field([0x65, 0x48, 0x8B, 0x04, 0x25], Offsets.SavedRax);
        Add(kind == MissKind.Slot ? [0xC2, 0x08, 0x00] : [0xC3]); // ret 8, or ret
        byte[] code = [.. b];
        foreach (int place in (ReadOnlySpan<int>)(kind == MissKind.Window ? [crosses, miss, worn] : [crosses, miss]))
        {
            BitConverter.TryWriteBytes(code.AsSpan(place), code.Length - place - 4);
        }

        return code;
    }

    /// <summary>Keeps r10 and r11; r11 = what eax and ecx come to of the table; where both are the entry's, its four words, and back.</summary>
    private static byte[] Cpuid()
    {
        var b = new List<byte>();
        void Field(ReadOnlySpan<byte> instruction, int value)
        {
            b.AddRange(instruction);
            b.AddRange(BitConverter.GetBytes(value));
        }

        Field([0x65, 0x4C, 0x89, 0x14, 0x25], Offsets.Scratch0);
        Field([0x65, 0x4C, 0x89, 0x1C, 0x25], Offsets.Scratch1);
        b.AddRange([0x44, 0x8B, 0xD0, 0x44, 0x8B, 0xD8, 0x41, 0xC1, 0xE2, 0x03, 0x41, 0xC1, 0xEB, 0x1D]); // mov r10d, eax; mov r11d, eax; shl r10d, 3; shr r11d, 29
        b.AddRange([0x45, 0x03, 0xDA, 0x44, 0x03, 0xD9, 0x41, 0x83, 0xE3, 0x7F, 0x41, 0xC1, 0xE3, 0x05]); // add r11d, r10d; add r11d, ecx; and r11d, 127; shl r11d, 5
        Field([0x65, 0x41, 0x3B, 0x83], Offsets.CpuidTable);
        Field([0x0F, 0x85], 8 + 6 + (4 * 8) + 1); // jne
        Field([0x65, 0x41, 0x3B, 0x8B], Offsets.CpuidTable + 4);
        Field([0x0F, 0x85], (4 * 8) + 1);
        Field([0x65, 0x41, 0x8B, 0x83], Offsets.CpuidTable + 8);
        Field([0x65, 0x41, 0x8B, 0x9B], Offsets.CpuidTable + 12);
        Field([0x65, 0x41, 0x8B, 0x8B], Offsets.CpuidTable + 16);
        Field([0x65, 0x41, 0x8B, 0x93], Offsets.CpuidTable + 20);
        b.Add(0xC3);
        return [.. b];
    }

    /// <summary>What stands before a position-independent block: mov r11, r10; and r11, -4096; mov gs:[base], r11.</summary>
    internal static byte[] BaseEntry() => [0x4D, 0x8B, 0xDA, 0x49, 0x81, 0xE3, 0x00, 0xF0, 0xFF, 0xFF, 0x65, 0x4C, 0x89, 0x1C, 0x25, .. BitConverter.GetBytes(Offsets.CodeBase)];

    /// <summary>What stands before a block that reads flags: mov gs:[rax's place], rax; movzx eax, gs:[flags]; add al, 127; sahf;
    /// mov rax, gs:[rax's place].</summary>
    internal static byte[] FlagsEntry() =>
    [
        0x65, 0x48, 0x89, 0x04, 0x25, .. BitConverter.GetBytes(Offsets.SavedRax), 0x65, 0x0F, 0xB7, 0x04, 0x25, .. BitConverter.GetBytes(Offsets.Flags),
        0x04, 0x7F, 0x9E, 0x65, 0x48, 0x8B, 0x04, 0x25, .. BitConverter.GetBytes(Offsets.SavedRax),
    ];

    /// <summary>What a block begins with that saves flags first: mov r11, rax; lahf; seto al; mov gs:[flags], ax; mov rax, r11. Whoever has them in the
    /// state enters behind it.</summary>
    internal static byte[] FlagsSave() =>
        [0x4C, 0x8B, 0xD8, 0x9F, 0x0F, 0x90, 0xC0, 0x66, 0x65, 0x89, 0x04, 0x25, .. BitConverter.GetBytes(Offsets.Flags), 0x49, 0x8B, 0xC3];

    /// <summary>cmp rsp, limit; jb to the end; hash; the first entry.</summary>
    internal static byte[] Dispatch(int view)
    {
        byte[] look = [.. Set, .. Entry(view, way: 0)];
        return [0x65, 0x48, 0x3B, 0x24, 0x25, .. BitConverter.GetBytes(Offsets.Limit), 0x0F, 0x82, .. BitConverter.GetBytes(look.Length), .. look];
    }

    /// <summary>r11 = the set of the target in r10.</summary>
    private static byte[] Set =>
        [0xC4, 0x43, 0x7B, 0xF0, 0xDA, 0x04, 0x47, 0x8D, 0x1C, 0xD3, 0x41, 0x81, 0xE3, .. BitConverter.GetBytes((VcpuState.JumpSets - 1) << 5)];

    /// <summary>cmp r10, the entry's target; jne over; jmp the entry's code.</summary>
    private static byte[] Entry(int view, int way)
    {
        int entry = Offsets.JumpCache + (view * VcpuState.JumpSets * 32) + (16 * way);
        return [0x65, 0x4D, 0x3B, 0x93, .. BitConverter.GetBytes(entry), 0x0F, 0x85, 8, 0, 0, 0, 0x65, 0x41, 0xFF, 0xA3, .. BitConverter.GetBytes(entry + 8)];
    }

    /// <summary>cmp rsp, limit; the count; hash; cmp r10, each entry's target; jmp entry's code; the two ways out.</summary>
    private static byte[] Indirect(int view, ulong address, ulong leave, EngineOptions options)
    {
        var b = new List<byte>();
        void Add(params ReadOnlySpan<byte> bytes) => b.AddRange(bytes);
        void Word(int value) => b.AddRange(BitConverter.GetBytes(value));
        int size = (options.JumpCache ? 98 : 37) + (options.CountInstructions ? 24 : 0);
        Add(0x65, 0x48, 0x3B, 0x24, 0x25);
        Word(Offsets.Limit);
        Add(0x0F, 0x82);
        Word(size - 11 - 15);
        if (options.CountInstructions)
        {
            Add(0x65, 0x4C, 0x8B, 0x1C, 0x25);
            Word(Offsets.Count);
            Add(0x65, 0x4C, 0x3B, 0x1C, 0x25);
            Word(Offsets.CountExit);
            Add(0x0F, 0x83);
            Word(size - 11 - b.Count - 4);
        }

        if (options.JumpCache)
        {
            Add([.. Set, .. Entry(view, way: 0), .. Entry(view, way: 1)]);
        }

        foreach (ExitCode code in (ReadOnlySpan<ExitCode>)[ExitCode.Indirect, ExitCode.Limit])
        {
            Add(0x41, 0xBB);
            Word((int)code);
            Add(0xE8);
            Word((int)(leave - (address + (ulong)b.Count + 4)));
        }

        return [.. b];
    }
}
