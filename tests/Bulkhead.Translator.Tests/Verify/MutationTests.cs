using Bulkhead.Translator.Emit;
using Bulkhead.Translator.State;
using Bulkhead.Translator.Verify;
using Bulkhead.X86.Instructions;
using Iced.Intel;
using Xunit;

namespace Bulkhead.Translator.Tests.Verify;

/// <summary>What a broken emitter might emit does not pass.</summary>
public sealed class MutationTests
{
    private static readonly byte[] s_check = [0xC4, 0x43, 0x7B, 0xF0, 0xDA, 0x07];
    private static readonly byte[] s_limit = [0x65, 0x48, 0x3B, 0x24, 0x25];
    private static readonly byte[] s_page = [0x65, 0x81, 0x3C, 0x25];
    private static readonly int s_view = VcpuState.TlbEntries * 32;

    /// <summary>Name, and what is done to a supervisor's block of one checked access (offset of the check, host code).</summary>
    private static readonly (string Name, Func<int, byte[], byte[]> Change)[] s_changes =
    [
        ("margin one byte smaller", (at, c) => HostCode.Add(c, at + 24, 1)),
        ("margin gone", (at, c) => HostCode.Add(c, at + 24, 7)),
        ("margin larger than the access", (at, c) => HostCode.Add(c, at + 24, -1)),
        ("mask wider", (at, c) => HostCode.Put(c, at + 11, 0x03)),
        ("mask lets low bits in", (at, c) => HostCode.Put(c, at + 9, 0xFF)),
        ("mask gone", (at, c) => HostCode.Put(c, at + 6, 0x0F, 0x1F, 0x80, 0, 0, 0, 0)),
        ("other shift", (at, c) => HostCode.Put(c, at + 5, 6)),
        ("index of another register", (at, c) => HostCode.Put(c, at + 4, 0xD9)),
        ("tag of another view", (at, c) => HostCode.Add(c, at + 17, s_view)),
        ("host address of another view", (at, c) => HostCode.Add(c, at + 38, s_view)),
        ("another view", (at, c) => HostCode.Add(HostCode.Add(c, at + 17, s_view), at + 38, s_view)),
        ("the other tag", (at, c) => HostCode.Put(c, at + 17, (byte)(c[at + 17] ^ 8))),
        ("addend of the unused field", (at, c) => HostCode.Add(c, at + 38, 8)),
        ("addend of the tag", (at, c) => HostCode.Add(c, at + 38, -16)),
        ("tag outside the table", (at, c) => HostCode.Add(c, at + 17, -32)),
        ("ADD for XOR", (at, c) => HostCode.Put(c, at + 15, 0x03)),
        ("compare of another register", (at, c) => HostCode.Put(c, at + 23, 0xFB)),
        ("compare of 32 bits", (at, c) => HostCode.Put(c, at + 21, 0x41)),
        ("JAE", (at, c) => HostCode.Put(c, at + 29, 0x83)),
        ("JBE", (at, c) => HostCode.Put(c, at + 29, 0x86)),
        ("JG", (at, c) => HostCode.Put(c, at + 29, 0x8F)),
        ("no jump", (at, c) => HostCode.Put(c, at + 28, 0x66, 0x0F, 0x1F, 0x44, 0, 0)),
        ("jump to the next instruction", (at, c) => HostCode.Put(c, at + 30, 0, 0, 0, 0)),
        ("jump into an instruction", (at, c) => HostCode.Add(c, at + 30, 1)),
        ("jump past the address", (at, c) => HostCode.Add(c, at + 30, c.Length - at - 34 - BitConverter.ToInt32(c, at + 30) - 16)),
        ("jump to the slow path's return", (at, c) => HostCode.Add(c, at + 30, c.Length - at - 34 - BitConverter.ToInt32(c, at + 30) - 5)),
        ("no addend", (at, c) => HostCode.Put(c, at + 34, 0x0F, 0x1F, 0x84, 0, 0, 0, 0, 0)),
        ("access through another register", (_, c) => Rebase(c, (ref Instruction i) => i.MemoryBase = Register.RAX)),
        ("access through r11", (_, c) => Rebase(c, (ref Instruction i) => i.MemoryBase = Register.R11)),
        ("access of the host stack", (_, c) => Rebase(c, (ref Instruction i) => i.MemoryBase = Register.RSP)),
        ("access with another index", (_, c) => Rebase(c, (ref Instruction i) => i.MemoryIndex = Register.R12)),
        ("access with a displacement", (_, c) => Rebase(c, (ref Instruction i) => (i.MemoryDisplacement64, i.MemoryDisplSize) = (1, 1))),
        ("access of 32-bit addresses", (_, c) => Rebase(c, (ref Instruction i) => (i.MemoryBase, i.MemoryIndex) = (Register.R10D, i.MemoryIndex == Register.None ? Register.None : Register.R11D))),
        ("access through GS", (_, c) => Rebase(c, (ref Instruction i) => i.SegmentPrefix = Register.GS)),
        ("absolute access", (_, c) => Rebase(c, (ref Instruction i) => (i.MemoryBase, i.MemoryDisplacement64, i.MemoryDisplSize) = (Register.None, 0x1000, 4))),
        ("slow path asks for less", (at, c) => HostCode.Put(c, c.Length - 13, (byte)(c[^13] - 1))),
        ("slow path asks for the other access", (at, c) => HostCode.Put(c, c.Length - 12, (byte)(c[^12] ^ 1))),
        ("slow path lets operands bounce", (at, c) => HostCode.Put(c, c.Length - 12, (byte)(c[^12] ^ 16))),
        ("slow path leaves for another reason", (at, c) => HostCode.Put(c, c.Length - 14, 0)),
        ("slow path comes back before the check", (at, c) => HostCode.Add(c, c.Length - 4, -42)),
        ("slow path comes back after the access", (at, c) => HostCode.Add(c, c.Length - 4, 3)),
        ("slow path calls another thunk", (at, c) => HostCode.Add(c, c.Length - 9, -10)),
        ("slow path does not come back", (at, c) => HostCode.Put(c, c.Length - 5, 0x90, 0x90, 0x90, 0x90, 0x90)),
        ("r10 written between", (at, c) => HostCode.Insert(c, at + 42, 0x49, 0x89, 0xC2)),
        ("r10 written by LEA between", (at, c) => HostCode.Insert(c, at + 42, 0x4D, 0x8D, 0x52, 0x01)),
        ("r10 loaded between", (at, c) => HostCode.Insert(c, at + 42, [0x65, 0x4C, 0x8B, 0x14, 0x25, .. BitConverter.GetBytes(Offsets.Temporary)])),
        ("r10 stored between", (at, c) => HostCode.Insert(c, at + 42, [0x65, 0x4C, 0x89, 0x14, 0x25, .. BitConverter.GetBytes(Offsets.Temporary)])),
        ("r10 written by XADD between", (at, c) => HostCode.Insert(c, at + 42, 0x4C, 0x0F, 0xC1, 0xD0)),
        ("r10 written by BSWAP between", (at, c) => HostCode.Insert(c, at + 42, 0x49, 0x0F, 0xCA)),
        ("r10 written by ANDN between", (at, c) => HostCode.Insert(c, at + 42, 0xC4, 0x62, 0xF8, 0xF2, 0xD1)),
        ("r10 written by BLSR between", (at, c) => HostCode.Insert(c, at + 42, 0xC4, 0xE2, 0xA8, 0xF3, 0xC8)),
        ("entered between", (at, c) => HostCode.Insert(c, 0, [0xE9, .. BitConverter.GetBytes(at + 42)])),
        ("entered between, conditionally", (at, c) => HostCode.Insert(c, 0, [0x0F, 0x84, .. BitConverter.GetBytes(at + 42)])),
        ("entered in the check", (at, c) => HostCode.Insert(c, 0, [0x0F, 0x84, .. BitConverter.GetBytes(at + 28)])),
        ("entered in the check by JRCXZ", (at, c) => HostCode.Insert(c, 0, 0xE3, (byte)(at + 34))),
        ("two accesses of one check", (at, c) => HostCode.Insert(c, at + 42, 0x41, 0x8A, 0x02)),
        ("code after the slow path's call", (at, c) => HostCode.Insert(c, c.Length - 5, 0x90)),
        ("code before the end of the slow path", (at, c) => HostCode.Insert(c, c.Length - 16, 0x4C, 0x89, 0xD0)),
    ];

    /// <summary>The same, where the address is the sum of r10 and r11.</summary>
    private static readonly (string Name, Func<int, byte[], byte[]> Change)[] s_sumChanges =
    [
        ("access without its index", (_, c) => Rebase(c, (ref Instruction i) => i.MemoryIndex = Register.None)),
        ("access with a scaled index", (_, c) => Rebase(c, (ref Instruction i) => i.MemoryIndexScale = 2)),
        ("the page in r10", (at, c) => HostCode.Put(c, at + 37, 0x93)),
        ("ADD for MOV", (at, c) => HostCode.Put(c, at + 36, 0x03)),
        ("r11 written between", (at, c) => HostCode.Insert(c, at + 42, 0x49, 0x89, 0xC3)),
        ("NOP between", (at, c) => HostCode.Insert(c, at + 42, 0x90)),
    ];

    /// <summary>What must not be inserted anywhere.</summary>
    private static readonly (string Name, byte[] Bytes)[] s_instructions =
    [
        ("SYSCALL", [0x0F, 0x05]), ("SYSENTER", [0x0F, 0x34]), ("INT 80h", [0xCD, 0x80]), ("INT3", [0xCC]), ("INT1", [0xF1]), ("UD2", [0x0F, 0x0B]),
        ("HLT", [0xF4]), ("CLI", [0xFA]), ("STI", [0xFB]), ("IN", [0xEC]), ("OUT", [0xEE]), ("INS", [0x6C]), ("OUTS", [0x6E]),
        ("MOVS", [0xA4]), ("REP STOS", [0xF3, 0xAA]), ("LODS", [0xAC]), ("XLAT", [0xD7]), ("CLD", [0xFC]), ("STD", [0xFD]),
        ("RDTSC", [0x0F, 0x31]), ("RDTSCP", [0x0F, 0x01, 0xF9]), ("RDPID", [0xF3, 0x0F, 0xC7, 0xF8]), ("CPUID", [0x0F, 0xA2]),
        ("XGETBV", [0x0F, 0x01, 0xD0]), ("XSAVE", [0x41, 0x0F, 0xAE, 0x22]), ("FXSAVE", [0x41, 0x0F, 0xAE, 0x02]), ("FNSAVE", [0x41, 0xDD, 0x32]),
        ("WRGSBASE", [0xF3, 0x48, 0x0F, 0xAE, 0xD8]), ("WRFSBASE", [0xF3, 0x48, 0x0F, 0xAE, 0xD0]), ("RDGSBASE", [0xF3, 0x48, 0x0F, 0xAE, 0xC8]),
        ("SWAPGS", [0x0F, 0x01, 0xF8]), ("MOV to GS", [0x8E, 0xE8]), ("MOV from GS", [0x8C, 0xE8]), ("WRPKRU", [0x0F, 0x01, 0xEF]),
        ("SGDT", [0x41, 0x0F, 0x01, 0x02]), ("SMSW", [0x0F, 0x01, 0xE0]), ("LSL", [0x0F, 0x03, 0xC0]), ("MOV from CR0", [0x0F, 0x20, 0xC0]),
        ("PUSH", [0x50]), ("POP", [0x58]), ("PUSHF", [0x9C]), ("POPF", [0x9D]), ("LEAVE", [0xC9]), ("ENTER", [0xC8, 0, 0, 0]), ("IRET", [0x48, 0xCF]),
        ("RET", [0xC3]), ("RET imm", [0xC2, 8, 0]), ("RETF", [0xCB]), ("JMP r10", [0x41, 0xFF, 0xE2]), ("CALL rax", [0xFF, 0xD0]),
        ("JMP [rax]", [0xFF, 0x20]), ("JMP [rip]", [0xFF, 0x25, 0, 0, 0, 0]), ("JMP gs:[0]", [0x65, 0xFF, 0x24, 0x25, 0, 0, 0, 0]), ("JMP short", [0xEB, 0]), ("JZ short", [0x74, 0]),
        ("LOOP", [0xE2, 0]), ("JMP out", [0xE9, 0, 0, 0, 0x10]), ("CALL out", [0xE8, 0, 0, 0, 0x10]), ("JZ out", [0x0F, 0x84, 0, 0, 0, 0x10]),
        ("MOV rsp", [0x48, 0x89, 0xC4]), ("MOV from rsp", [0x48, 0x89, 0xE0]), ("ADD rsp", [0x48, 0x83, 0xC4, 8]), ("LEA rsp", [0x48, 0x8D, 0x64, 0x24, 8]),
        ("LEA of rsp", [0x48, 0x8D, 0x04, 0x24]), ("XCHG rsp", [0x48, 0x94]), ("MOV spl", [0x40, 0xB4, 1]), ("ADD sp", [0x66, 0x01, 0xC4]),
        ("LEA of rip", [0x48, 0x8D, 0x05, 0, 0, 0, 0]), ("MOV of rip", [0x48, 0x8B, 0x05, 0, 0, 0, 0]),
        ("load of [rax]", [0x48, 0x8B, 0x00]), ("store to [rax]", [0x48, 0x89, 0x00]), ("load of [r10]", [0x4D, 0x8B, 0x12]), ("store to [r10]", [0x49, 0x89, 0x02]),
        ("MOVDQA of [r10]", [0x66, 0x41, 0x0F, 0x6F, 0x02]), ("VMOVDQU of [r10]", [0xC4, 0xC1, 0x7E, 0x6F, 0x02]), ("absolute load", [0x48, 0x8B, 0x04, 0x25, 0, 0, 0, 0]),
        ("moffs", [0x48, 0xA1, 0, 0, 0, 0, 0, 0, 0, 0]), ("host FS", [0x64, 0x48, 0x8B, 0x04, 0x25, 0, 0, 0, 0]), ("gs:[rax]", [0x65, 0x48, 0x8B, 0x00]),
        ("gs:[r11]", [0x65, 0x49, 0x8B, 0x03]), ("state 0", [0x65, 0x48, 0x8B, 0x04, 0x25, 0, 0, 0, 0]), ("gather", [0xC4, 0xC2, 0x69, 0x90, 0x04, 0x0A]),
        ("VMASKMOV", [0xC4, 0xC2, 0x79, 0x2C, 0x02]), ("MASKMOVQ", [0x0F, 0xF7, 0xC1]), ("CLZERO", [0x0F, 0x01, 0xFC]), ("CLFLUSH", [0x41, 0x0F, 0xAE, 0x3A]),
        ("BT with a register", [0x4D, 0x0F, 0xA3, 0x02]), ("MOVDIR64B", [0x66, 0x0F, 0x38, 0xF8, 0x02]), ("XBEGIN", [0xC7, 0xF8, 0, 0, 0, 0]), ("EVEX", [0x62, 0xF1, 0x7C, 0x48, 0x10, 0xC1]),
        ("67 prefix", [0x67, 0x48, 0x8D, 0x00]), ("segment prefix", [0x3E, 0x89, 0xC0]), ("FS prefix", [0x64, 0x89, 0xC0]), ("two prefixes", [0x66, 0x66, 0x90]),
        ("VMCALL", [0x0F, 0x01, 0xC1]), ("VMMCALL", [0x0F, 0x01, 0xD9]), ("MONITOR", [0x0F, 0x01, 0xC8]), ("INVD", [0x0F, 0x08]), ("WRMSR", [0x0F, 0x30]), ("NOP of memory", [0x0F, 0x1F, 0x40, 0]),
    ];

    /// <summary>Fields of the state that blocks must leave alone, stored to and loaded from.</summary>
    private static IEnumerable<(string Name, byte[] Bytes)> StateAccesses
    {
        get
        {
            foreach ((string name, int offset) in new[]
            {
                ("limit", Offsets.Limit), ("return stack", Offsets.ReturnStackPointer), ("host stack", Offsets.HostStackPointer), ("resume", Offsets.ResumeAddress),
                ("scratch", Offsets.Scratch0), ("code base", Offsets.CodeBase), ("code TLB", Offsets.CodeTlb), ("jump cache", Offsets.JumpCache), ("jump cache entry", Offsets.JumpCache + 8),
                ("data TLB", Offsets.Tlb), ("data TLB host", Offsets.Tlb + 16), ("rax", Offsets.GprOf(0)), ("rflags", Offsets.Rflags), ("segment", Offsets.SegmentBase(4)),
                ("flags", Offsets.Flags), ("before the state", -8), ("behind the state", 1 << 22), ("half a register", Offsets.GprOf(9) + 4),
            })
            {
                yield return ($"store to {name}", [0x65, 0x48, 0x89, 0x04, 0x25, .. BitConverter.GetBytes(offset)]);
                yield return ($"load of {name}", [0x65, 0x48, 0x8B, 0x04, 0x25, .. BitConverter.GetBytes(offset)]);
                yield return ($"byte to {name}", [0x65, 0xC6, 0x04, 0x25, .. BitConverter.GetBytes(offset), 2]);
                yield return ($"add of {name}", [0x65, 0x48, 0x03, 0x04, 0x25, .. BitConverter.GetBytes(offset)]);
            }

            yield return ("r9 as a double word", [0x65, 0x89, 0x04, 0x25, .. BitConverter.GetBytes(Offsets.GprOf(9))]);
            yield return ("rsp stored", [0x65, 0x48, 0x89, 0x24, 0x25, .. BitConverter.GetBytes(Offsets.GprOf(9))]);
            yield return ("rsp loaded", [0x65, 0x48, 0x8B, 0x24, 0x25, .. BitConverter.GetBytes(Offsets.GprOf(9))]);
            yield return ("vector to r9", [0x65, 0x0F, 0x11, 0x04, 0x25, .. BitConverter.GetBytes(Offsets.GprOf(9))]);
            yield return ("borrowed and kept", [0x65, 0x4C, 0x89, 0x3C, 0x25, .. BitConverter.GetBytes(Offsets.Borrowed)]);
            yield return ("given back, not borrowed", [0x65, 0x4C, 0x8B, 0x3C, 0x25, .. BitConverter.GetBytes(Offsets.Borrowed)]);
            yield return ("IF set", [0x65, 0xC6, 0x04, 0x25, .. BitConverter.GetBytes(Offsets.InterruptFlag), 1]);
            yield return ("IF cleared by the user", [0x65, 0xC6, 0x04, 0x25, .. BitConverter.GetBytes(Offsets.InterruptFlag), 0]);
        }
    }

    /// <summary>Accesses of each kind; every one ends in HLT, so nothing but the access's slow path follows.</summary>
    public static TheoryData<string> Accesses =>
        ["488B07F4", "488907F4", "480107F4", "480FB107F4", "0FB607F4", "668907F4", "0F1007F4", "C5FC1107F4", "DB2FF4", "F0480FC10FF4", "660FBA2F03F4", "0FAE1FF4"];

    [Theory]
    [MemberData(nameof(Accesses))]
    public void Access_ChangedSoThatItMatters_IsRejected(string guest)
    {
        using var bench = new EmitBench();
        byte[] code = Emit(bench, guest, Modes.Kernel64);
        int at = HostCode.Find(code, s_check);
        Assert.Null(bench.Verify(HostCode.Insert(code, 0, 0x90)));
        foreach ((string name, Func<int, byte[], byte[]> change) in (IEnumerable<(string, Func<int, byte[], byte[]>)>)[.. s_changes, .. code[at + 36] == 0x8B ? s_sumChanges : []])
        {
            byte[] changed = change(at, code);
            Assert.False(changed.AsSpan().SequenceEqual(code), name);
            Rejected(bench, changed, name);
        }
    }

    [Fact]
    public void ForbiddenInstruction_Anywhere_IsRejected()
    {
        using var bench = new EmitBench();
        byte[] code = Emit(bench, "488B07F4", out int at);
        Assert.Null(bench.Verify(HostCode.Insert(HostCode.Insert(code, at + 40, 0x90), 0, 0x90)));
        foreach ((string name, byte[] bytes) in s_instructions.Concat(StateAccesses))
        {
            foreach (int place in (ReadOnlySpan<int>)[0, at + 40])
            {
                Rejected(bench, HostCode.Insert(code, place, bytes), name);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Accesses))]
    [InlineData("8F07F4")]
    [InlineData("FF37F4")]
    [InlineData("C9F4")]
    [InlineData("50F4")]
    [InlineData("FF1508000000")]
    public void CheckedAccess_AnyByteChanged_IsRejectedOrTouchesTheSameBytes(string guest)
    {
        using var bench = new EmitBench("page-slots=off");
        byte[] code = Emit(bench, guest, out int at);
        (Instruction access, int place) = HostCode.Decode(code).First(i => i.Instruction.MemoryBase == Register.R10);
        var facts = new InstructionInfoFactory();
        int passed = 0;
        for (int offset = at; offset < place + access.Length; offset++)
        {
            for (int value = 0; value < 256; value++)
            {
                byte[] changed = HostCode.Put(code, offset, (byte)value);
                if (changed[offset] == code[offset] || bench.Verify(changed) is not null)
                {
                    continue;
                }

                passed++;
                Assert.True(offset >= at + 36, $"offset {offset - at:x} of the check may be {value:x}");
                foreach ((Instruction now, int _) in HostCode.Decode(changed).Where(i => i.Offset >= place && i.Offset < place + access.Length))
                {
                    Assert.True(TouchesSame(facts, access, now), $"{access} may become {now}");
                }
            }
        }

        Assert.InRange(passed, 1, 1000);
    }

    [Fact]
    public void ConditionalJump_Changed_IsRejected()
    {
        using var bench = new EmitBench();
        byte[] code = Emit(bench, "7410EBEC");
        int jump = HostCode.Find(code, [0x0F, 0x84]);
        Rejected(bench, HostCode.Add(code, jump + 2, 1), "jump into an instruction");
        Rejected(bench, HostCode.Add(code, jump + 2, 6), "jump past the target");
        Rejected(bench, HostCode.Insert(code, jump, 0x90), "rel32 not aligned");
        Rejected(bench, HostCode.Put(code, jump + 2, BitConverter.GetBytes((int)(bench.IndirectOf(0) - bench.Address) - jump - 6)), "indirect");
        Rejected(bench, HostCode.Put(code, jump + 2, BitConverter.GetBytes((int)(bench.Leave - bench.Address) - jump - 6)), "jump to leave");
        Rejected(bench, HostCode.Put(code, jump + 2, BitConverter.GetBytes(-jump - 6)), "a loop");
    }

    [Fact]
    public void DirectJump_Changed_IsRejected()
    {
        using var bench = new EmitBench();
        byte[] code = Emit(bench, "EB10");
        int jump = HostCode.Find(code, [0xE9]);
        Rejected(bench, HostCode.Add(code, jump + 1, 1), "jump into an instruction");
        Rejected(bench, HostCode.Add(code, jump + 1, 6), "jump past the target");
        Rejected(bench, HostCode.Insert(code, jump, 0x90), "rel32 not aligned");
        Rejected(bench, HostCode.Put(code, jump, 0xE8), "call for jump");
        Rejected(bench, HostCode.Put(code, jump + 1, BitConverter.GetBytes((int)(bench.IndirectOf(1) - bench.Address) - jump - 5)), "indirect of another view");
        Rejected(bench, HostCode.Put(code, jump + 1, BitConverter.GetBytes((int)(bench.IndirectOf(0) + 15 - bench.Address) - jump - 5)), "indirect without its limit check");
        Rejected(bench, HostCode.Put(code, jump + 1, BitConverter.GetBytes((int)(bench.Leave - bench.Address) - jump - 5)), "jump to leave");
        Rejected(bench, HostCode.Put(code, jump + 7, BitConverter.GetBytes((int)GuestCode.Rip)), "another target");
        Rejected(bench, HostCode.Put(code, jump + 14, 1), "another's edge");
        Rejected(bench, HostCode.Put(code, jump + 13, 2), "another reason");
        Rejected(bench, HostCode.Put(code, jump + 13, 7), "a trap");
        Rejected(bench, code[..^5], "no end");
        Rejected(bench, code[..^1], "cut");
    }

    [Theory]
    [InlineData("8B07F4", 4, true, false)]
    [InlineData("8B443708F4", 4, true, false)]
    [InlineData("48890424F4", 8, true, true)]
    [InlineData("418801F4", 1, false, true)]
    [InlineData("8B07488B4F08F4", 16, true, false)]
    public void WindowCheck_Changed_IsRejected(string guest, int bytes, bool plain, bool write)
    {
        using var bench = new EmitBench("page-windows=always,page-slots=off");
        Assert.True(bench.Emit(Convert.FromHexString(guest), GuestCode.Rip, Modes.User64));
        Assert.Null(bench.Verify());
        byte[] code = bench.Code;
        int at = HostCode.Find(code, [0x45, 0x8B, 0xDA, 0x41, 0xC1, 0xEB, 0x0C]);
        int tail = at + 29;
        Assert.Equal(4096 - bytes, BitConverter.ToInt32(code, at + 19));
        Rejected(bench, HostCode.Put(code, at + 6, 11), "another shift");
        Rejected(bench, HostCode.Add(code, at + 12, 8), "another table");
        if (write || bytes <= 8)
        {
            Rejected(bench, HostCode.Add(code, at + 12, write ? -(8 << 20) : 8 << 20), "the other tags"); // a run may be checked for more
        }

        Rejected(bench, HostCode.Add(code, at + 19, 1), "a margin one byte smaller");
        Rejected(bench, HostCode.Put(code, at + 24, 0x86), "the other way");
        if (plain)
        {
            Rejected(bench, HostCode.Put(code, tail + 2, (byte)(code[tail + 2] ^ 1)), "another register");
            Rejected(bench, HostCode.Insert(code, at, 0x90), "something between the address and its check");
            int load = HostCode.Find(code, [0x65, 0x4C, 0x8B, 0x14, 0x25]);
            Rejected(bench, HostCode.Add(code, load + 5, 8), "another field for the window");
        }
        else
        {
            Rejected(bench, HostCode.Add(code, tail + 5, 8), "the page of another place");
            Rejected(bench, HostCode.Add(code, tail + 17, 8), "another field for the window");
        }

        int exit = HostCode.Find(code, [0x41, 0xBB, (byte)ExitCode.Memory]);
        Rejected(bench, HostCode.Add(code, exit + 4, 1), "another access asked for");
        Rejected(bench, HostCode.Put(code, exit + 7, BitConverter.GetBytes((int)(bench.Leave - bench.Address) - exit - 11)), "the data TLB is not asked");
        Rejected(bench, HostCode.Put(code, exit + 7, BitConverter.GetBytes((int)(bench.WindowMissOf(!write) - bench.Address) - exit - 11)), "the other tags");
        Rejected(bench, HostCode.Add(code, exit + 12, -1), "back into the check");
        Rejected(bench, HostCode.Insert(code, exit, 0x90), "something between the address and the question");
    }

    [Theory]
    [InlineData("53554154F4", 8, true)]
    [InlineData("488B078B4F08F4", 4, false)]
    public void LookUp_Changed_IsRejected(string guest, int bytes, bool write)
    {
        using var bench = new EmitBench();
        byte[] code = Emit(bench, guest);
        ulong thunk = bench.LookUpOf(0, write) - bench.Address + HostCode.Base;
        int at = HostCode.Decode(code).First(i => i.Instruction.Mnemonic == Mnemonic.Call && i.Instruction.NearBranchTarget == thunk).Offset - 6;
        Assert.Equal(bytes, code[at + 3]);
        Rejected(bench, HostCode.Add(code, at + 3, 1), "more bytes than are accessed");
        Rejected(bench, HostCode.Put(code, at + 3, 0), "no bytes");
        Rejected(bench, HostCode.Put(code, at + 4, (byte)(code[at + 4] ^ (byte)MemoryFlags.Write)), "another access asked for");
        Rejected(bench, HostCode.Put(code, at + 4, (byte)(code[at + 4] | (byte)MemoryFlags.Transient)), "a transient block's question");
        Rejected(bench, HostCode.Put(code, at + 5, 200), "a note that is not there");
        Rejected(bench, HostCode.Put(code, at + 2, (byte)ExitCode.Edge), "another reason");
        Rejected(bench, HostCode.Put(code, at + 7, BitConverter.GetBytes((int)(bench.LookUpOf(0, !write) - bench.Address) - at - 11)), "the other access");
        Rejected(bench, HostCode.Put(code, at + 7, BitConverter.GetBytes((int)(bench.LookUpOf(1, write) - bench.Address) - at - 11)), "another view");
        Rejected(bench, HostCode.Put(code, at + 7, BitConverter.GetBytes((int)(bench.Leave - bench.Address) - at - 11)), "leave");
        Rejected(bench, HostCode.Insert(code, at + 11, 0x49, 0x89, 0xC2), "r10 written between");
    }

    /// <summary>Displacements at both ends of their range are no run, though their difference is small in 32 bits.</summary>
    [Theory]
    [InlineData("0083000000800003F4")]
    [InlineData("0083FFFFFF7F008300000080F4")]
    public void Accesses_FarApart_ShareNoCheck(string guest)
    {
        using var bench = new EmitBench("page-slots=off");
        byte[] code = Emit(bench, guest, out int at);
        Assert.Null(bench.Verify());
        Assert.Equal(4095, BitConverter.ToInt32(code, at + 21));
    }

    [Theory]
    [InlineData("53554154F4", 24, true)]
    [InlineData("5B5D415CF4", 24, false)]
    [InlineData("488B07488B4F08488B5710F4", 24, false)]
    [InlineData("8B47088347FC018857FBF4", 17, true)]
    public void SharedCheck_Changed_IsRejected(string guest, int bytes, bool write)
    {
        using var bench = new EmitBench("page-slots=off");
        byte[] code = Emit(bench, guest, out int at);
        Assert.Equal(4096 - bytes, BitConverter.ToInt32(code, at + 21));
        List<(Instruction Instruction, int Offset)> accesses = [.. HostCode.Decode(code).Where(i => i.Offset > at && i.Instruction.MemoryBase == Register.R10).Take(3)];
        int last = accesses.Max(i => (int)i.Instruction.MemoryDisplacement64);
        (Instruction access, int place) = accesses.First(i => (int)i.Instruction.MemoryDisplacement64 == last);
        Rejected(bench, HostCode.Put(code, place + access.Length - (access.Op1Kind.ToString().StartsWith("Immediate", StringComparison.Ordinal) ? 2 : 1), (byte)(last + 1)), "a byte beyond the range");
        Rejected(bench, HostCode.Put(code, place + access.Length - 1, 0xF8), "before the range");
        Rejected(bench, HostCode.Add(code, at + 21, 1), "a margin one byte smaller");
        Rejected(bench, HostCode.Add(code, at + 21, -200), "a margin of more than a range");
        Rejected(bench, HostCode.Insert(code, place, 0x49, 0x89, 0xC2), "r10 written between");
        Rejected(bench, HostCode.Insert(code, 0, [0x0F, 0x84, .. BitConverter.GetBytes(place)]), "entered between");
        if (write)
        {
            Rejected(bench, HostCode.Put(code, at + 17, (byte)(code[at + 17] ^ 8)), "checked for reading");
        }
    }

    [Theory]
    [InlineData("E810000000")]
    [InlineData("E800200000")]
    [InlineData("FFD0")]
    public void PositionIndependentCall_Changed_IsRejected(string guest)
    {
        using var bench = new EmitBench("relative-code=always");
        byte[] code = Emit(bench, guest);
        int push = HostCode.Find(code, [0x65, 0xFF, 0x34, 0x25]);
        int pad = HostCode.Find(code, [0x65, 0x8F, 0x04, 0x25]);
        byte[] pushed = code[push..(push + 8)];
        ReadOnlySpan<byte> nothing = [0x0F, 0x1F, 0x84, 0, 0, 0, 0, 0];
        Rejected(bench, HostCode.Put(code, push, nothing), "nothing pushed");
        Rejected(bench, HostCode.Add(code, push + 4, 8), "another field pushed");
        Rejected(bench, HostCode.Insert(code, push, pushed), "pushed twice");
        Rejected(bench, HostCode.Insert(code, 0, pushed), "pushed for no call");
        Rejected(bench, HostCode.Insert(code, push + 8, 0xE3, 0), "a branch after the push");
        Rejected(bench, HostCode.Put(code, pad, nothing), "not taken back");
        Rejected(bench, HostCode.Add(code, pad + 4, 8), "taken back to another field");
        Rejected(bench, HostCode.Add(code, pad + 13, 8), "another field compared");
        Rejected(bench, HostCode.Put(code, pad + 20, (byte)(code[pad + 20] ^ 1)), "another return address");
        int exit = HostCode.Find(code, [0x41, 0xBB]);
        Rejected(bench, HostCode.Put(code, exit + 2, (byte)(code[exit + 2] ^ 0x80)), "an absolute RIP");
    }

    [Theory]
    [InlineData("E900200000")]
    [InlineData("E900E0FFFF")]
    [InlineData("E800200000")]
    public void PositionIndependentPageCompare_Changed_IsRejected(string guest)
    {
        using var bench = new EmitBench("relative-code=always");
        byte[] code = Emit(bench, guest);
        int slot = HostCode.Find(code, [0x45, 0x8B, 0xD3, 0x41, 0xC1, 0xEA, 0x09]);
        Rejected(bench, HostCode.Add(code, slot - 4, 4096), "another distance");
        Rejected(bench, HostCode.Put(code, slot + 6, 10), "another shift");
        Rejected(bench, HostCode.Put(code, slot + 10, 0xF0), "another mask");
        Rejected(bench, HostCode.Add(code, slot + 18, 8), "another table");
        Rejected(bench, HostCode.Put(code, slot + 22, 0x4D, 0x2B, 0xDB), "the address not taken off");
        Rejected(bench, HostCode.Put(code, slot + 28, 0, 0, 0, 0), "an id that matches");
        Rejected(bench, HostCode.Put(code, slot + 33, 0x84), "the other way");
        Rejected(bench, HostCode.Put(code, slot + 34, 0, 0, 0, 0), "no way out");
        Rejected(bench, HostCode.Add(code, slot + 43, 8), "kept in another field");
    }

    [Theory]
    [InlineData("EBF0")]
    [InlineData("48FFC975FBF4")]
    [InlineData("E900800000")]
    [InlineData("E8F0FFFFFF")]
    [InlineData("E800200000")]
    public void LimitCheck_Changed_IsRejected(string guest)
    {
        using var bench = new EmitBench();
        byte[] code = Emit(bench, guest);
        int limit = HostCode.Find(code, s_limit);
        Rejected(bench, HostCode.Put(code, limit, 0x66, 0x0F, 0x1F, 0x84, 0, 0, 0, 0, 0, 0x66, 0x0F, 0x1F, 0x44, 0, 0), "none");
        Rejected(bench, HostCode.Put(code, limit, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90), "none, of plain NOPs");
        Rejected(bench, HostCode.Add(code, limit + 5, 8), "another field");
        Rejected(bench, HostCode.Put(code, limit + 10, 0x87), "the other way");
        Rejected(bench, HostCode.Put(code, limit + 11, 0, 0, 0, 0), "no way out");
        Rejected(bench, HostCode.Insert(code, limit + 15, 0xE3, 0), "entered after it");
    }

    [Theory]
    [InlineData("E900200000")]
    [InlineData("0F8500200000")]
    [InlineData("E800200000")]
    public void PageCompare_Changed_IsRejected(string guest)
    {
        using var bench = new EmitBench();
        byte[] code = Emit(bench, guest);
        int compare = HostCode.Find(code, s_page);
        Rejected(bench, HostCode.Add(code, compare + 4, 4), "another slot");
        Rejected(bench, HostCode.Put(code, compare + 8, 0, 0, 0, 0), "an id that matches an empty slot");
        Rejected(bench, HostCode.Put(code, compare + 13, 0x84), "the other way");
        Rejected(bench, HostCode.Put(code, compare + 14, 0, 0, 0, 0), "no way out");
        Rejected(bench, HostCode.Put(code, compare, 0x66, 0x66, 0x2E, 0x0F, 0x1F, 0x84, 0, 0, 0, 0, 0, 0x90, 0x66, 0x0F, 0x1F, 0x44, 0, 0), "none");
        Rejected(bench, HostCode.Put(code, compare, [.. Enumerable.Repeat((byte)0x90, 18)]), "none, of plain NOPs");
    }

    [Theory]
    [InlineData("E810000000")]
    [InlineData("FFD0")]
    public void LandingPad_Changed_IsRejected(string guest)
    {
        using var bench = new EmitBench();
        byte[] code = Emit(bench, guest);
        int pad = HostCode.Find(code, [0x49, 0x81, 0xFA, .. BitConverter.GetBytes((int)GuestCode.Rip + (guest.Length / 2)), 0x0F, 0x85]);
        Rejected(bench, HostCode.Add(code, pad + 3, 1), "another return address");
        Rejected(bench, HostCode.Put(code, pad + 2, 0xFB), "another register");
        Rejected(bench, HostCode.Put(code, pad, 0x41, 0x81), "32 bits");
        Rejected(bench, HostCode.Put(code, pad + 8, 0x84), "the other way");
        Rejected(bench, HostCode.Add(code, pad + 9, (int)(bench.IndirectOf(1) - bench.IndirectOf(0))), "another view's lookup");
        Rejected(bench, HostCode.Put(code, pad + 7, 0x66, 0x0F, 0x1F, 0x44, 0, 0), "no jump");
        Rejected(bench, HostCode.Insert(code, pad, 0x90), "code before it");
    }

    [Fact]
    public void Return_Changed_IsRejected()
    {
        using var bench = new EmitBench();
        byte[] code = Emit(bench, "C3");
        int limit = HostCode.Find(code, s_limit);
        Assert.Equal(0xC3, code[limit + 15]);
        Rejected(bench, HostCode.Put(code, limit, [.. Enumerable.Repeat((byte)0x90, 15)]), "without a limit check");
        Rejected(bench, HostCode.Insert(code, limit + 15, 0x90), "not right after it");
        Rejected(bench, HostCode.Insert(code, limit, 0xE3, 15), "entered after it");
        Rejected(bench, HostCode.Put(code, limit + 15, 0x90), "no RET");
        Rejected(bench, HostCode.Put(code, limit + 10, 0x83), "the other way");
    }

    [Fact]
    public void Count_Changed_IsRejected()
    {
        using var bench = new EmitBench("count=on");
        byte[] code = Emit(bench, "90EBF0");
        int limit = HostCode.Find(code, s_limit);
        Assert.Equal(2, code[12]);
        Rejected(bench, HostCode.Put(code, 12, 1), "too few instructions");
        Rejected(bench, HostCode.Add(code, 5, 8), "another field");
        Rejected(bench, code[25..], "none");
        Rejected(bench, HostCode.Insert(code, 0, 0x90), "not at the start");
        Rejected(bench, HostCode.Put(code, limit + 15, [.. Enumerable.Repeat((byte)0x90, 24)]), "count not looked at");
        Rejected(bench, HostCode.Put(code, limit + 34, 0x82), "the other way");
        Rejected(bench, HostCode.Put(code, limit + 35, 0, 0, 0, 0), "no way out");
    }

    [Fact]
    public void KnownTarget_Changed_IsRejected()
    {
        using var bench = new EmitBench { KnownRip = GuestCode.Rip + 0x12 };
        byte[] code = Emit(bench, "EB10");
        Assert.Equal(5, code.Length);
        Rejected(bench, HostCode.Add(code, 1, 1), "into a block");
        Rejected(bench, HostCode.Add(code, 1, 0x1000), "to nowhere");
        Rejected(bench, HostCode.Put(code, 0, 0xE8), "called");
        bench.KnownRip++;
        Rejected(bench, code, "another block of the page");
    }

    [Fact]
    public void TransientBlock_Changed_IsRejected()
    {
        using var bench = new EmitBench();
        Assert.True(bench.Emit(Convert.FromHexString("480107"), GuestCode.Rip, Modes.User64, transient: true));
        Assert.Null(bench.Verify());
        byte[] code = bench.Code;
        int ask = HostCode.Find(code, [0xE9]);
        Rejected(bench, HostCode.Put(code, ask, 0x90, 0x90, 0x90, 0x90, 0x90), "nobody asked");
        Rejected(bench, HostCode.Put(code, ask + 1, 0, 0, 0, 0), "nobody asked, by a jump");
        Rejected(bench, HostCode.Put(code, code.Length - 13, 4), "asked for less");
        Rejected(bench, HostCode.Put(code, code.Length - 12, (byte)(code[^12] & 0xFE)), "asked to read");
        Rejected(bench, HostCode.Insert(code, ask + 5, 0x49, 0x89, 0xC2), "r10 written between");
    }

    [Theory]
    [InlineData("50F4")] // push rax
    [InlineData("488B442408F4")] // mov rax, [rsp + 8]
    [InlineData("64488B0425280000 00F4")] // mov rax, fs:[28h]
    public void SlotCheck_AnyByteChanged_IsRejected(string guest)
    {
        using var bench = new EmitBench();
        byte[] code = Emit(bench, guest.Replace(" ", "", StringComparison.Ordinal));
        int check = HostCode.Find(code, [0x65, 0x4C, 0x33, 0x14, 0x25]);
        int exit = HostCode.Find(code, [0x68, .. code[(check + 5)..(check + 9)], 0x41, 0xBB]);
        foreach (int offset in Enumerable.Range(check, 31).Concat(Enumerable.Range(exit, 21)))
        {
            for (int bit = 0; bit < 8; bit++)
            {
                // Bits 8-31 of the reason but size and access are of no danger: alignment, stack, the instruction's number.
                bool harmless = offset == exit + 10 || (offset == exit + 9 && bit is not (0 or 4));
                byte[] changed = HostCode.Put(code, offset, (byte)(code[offset] ^ (1 << bit)));
                Assert.True(harmless || bench.Verify(changed) is not null, $"bit {bit} of byte {offset - check:x}");
            }
        }
    }

    [Fact]
    public void HighByteAccess_Changed_IsRejected()
    {
        using var bench = new EmitBench();
        byte[] code = Emit(bench, "8827F4", out int at);
        int save = at + 36;
        Assert.Equal([0x65, 0x48, 0x89, 0x34, 0x25], code[save..(save + 5)]);
        Rejected(bench, HostCode.Put(code, save + 11, 0xF3), "another register's address");
        Rejected(bench, HostCode.Put(code, save + 13, 0x27), "another base");
        Rejected(bench, HostCode.Insert(code, save + 12, 0x90), "not right after");
        Rejected(bench, HostCode.Add(code, save + 5, 8), "another field");
        Rejected(bench, HostCode.Put(code, save + 14, [.. Enumerable.Repeat((byte)0x90, 9)]), "not given back");
    }

    [Fact]
    public void Thunks_AnyByteOfALookupChanged_AreRejected()
    {
        using var bench = new EmitBench();
        byte[] code = bench.ThunkCode;
        int lookup = HostCode.Find(code, s_limit);
        for (int offset = lookup; offset < lookup + 80; offset++)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                Assert.NotNull(bench.VerifyThunks(HostCode.Put(code, offset, (byte)(code[offset] ^ (1 << bit)))));
            }
        }
    }

    private static byte[] Emit(EmitBench bench, string guest, uint mode = Modes.User64)
    {
        Assert.True(bench.Emit(Convert.FromHexString(guest), GuestCode.Rip, mode));
        Assert.Null(bench.Verify());
        return bench.Code;
    }

    private static byte[] Emit(EmitBench bench, string guest, out int check)
    {
        byte[] code = Emit(bench, guest);
        check = HostCode.Find(code, s_check);
        return code;
    }

    private static void Rejected(EmitBench bench, byte[] code, string name)
    {
        if (bench.Verify(code) is null)
        {
            Assert.Fail($"{name}: {string.Join("; ", HostCode.Decode(code).Select(i => i.Instruction))}");
        }
    }

    private static bool TouchesSame(InstructionInfoFactory facts, in Instruction access, in Instruction now) =>
        !facts.GetInfo(now).GetUsedMemory().Any()
        || (now.MemoryBase == Register.R10 && now.MemoryIndex == access.MemoryIndex && now.MemoryDisplacement64 == 0 && now.MemorySegment == Register.DS
            && Width(now) == Width(access) && Writes(facts, now) == Writes(facts, access));

    private delegate void Edit(ref Instruction instruction);

    /// <summary>The checked access, with its memory operand changed.</summary>
    private static byte[] Rebase(byte[] code, Edit edit)
    {
        (Instruction access, int place) = HostCode.Decode(code).First(i => i.Instruction.MemoryBase == Register.R10);
        edit(ref access);
        using var stream = new MemoryStream();
        _ = Encoder.Create(64, new StreamCodeWriter(stream)).Encode(access, 0);
        byte[] bytes = stream.ToArray();
        byte[] longer = HostCode.Insert(code, place, new byte[Math.Max(bytes.Length - access.Length, 0)]);
        byte[] padding = [.. Enumerable.Repeat((byte)0x90, Math.Max(access.Length - bytes.Length, 0))];
        return HostCode.Put(longer, place, [.. bytes, .. padding]);
    }

    private static int Width(in Instruction i) => Math.Max(i.MemorySize.GetSize(), (int)InstructionTable.Get(i.Code).MemoryBytes);

    private static bool Writes(InstructionInfoFactory facts, in Instruction i) =>
        facts.GetInfo(i).GetUsedMemory().Any(m => m.Access is not (OpAccess.Read or OpAccess.CondRead));
}
