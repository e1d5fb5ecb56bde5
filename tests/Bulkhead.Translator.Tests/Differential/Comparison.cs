using System.Buffers.Binary;
using System.Text;
using Iced.Intel;

namespace Bulkhead.Translator.Tests.Differential;

/// <summary>What two runs of a case disagree in.</summary>
internal static class Comparison
{
    private static readonly string[] s_names = ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];

    /// <summary>The differences with the line that reproduces the case, or null where there are none.</summary>
    internal static unsafe string? Difference(Case value, Result expected, Result actual)
    {
        if (expected.Vector == 14 && actual.Vector != 14 && value.Code.Mnemonic() is Mnemonic.Maskmovq or Mnemonic.Maskmovdqu or Mnemonic.Vmaskmovdqu)
        {
            return null; // whether bytes under a clear mask may fault is each processor's choice (Intel SDM Vol. 2B, MASKMOVQ)
        }

        if (IsSame(expected, actual))
        {
            return null;
        }

        // Which operand of a repeated CMPS is read first, and so which of two faults comes, is not defined; AMD takes [RDI].
        bool anyFault = IsRepeatedCompare(value) && expected.Vector is 13 or 14 && actual.Vector is 13 or 14;
        var text = new StringBuilder();
        if (anyFault)
        {
            Line(text, "at", (uint)expected.At, (uint)actual.At);
        }
        else if (expected.Vector != actual.Vector)
        {
            Line(text, "vector", expected.Vector.ToString("D"), actual.Vector.ToString("D"));
        }
        else if (expected.At != actual.At)
        {
            Line(text, "at", (uint)expected.At, (uint)actual.At);
        }
        else if (expected.Vector == 14)
        {
            // Write, and present inside the arena; user and fetch are the runner's business, and beyond it each has other pages.
            uint bits = expected.Cr2 - Arena.Data < 0x20_0000 ? 3u : 2u;
            Line(text, "error code", expected.ErrorCode & bits, actual.ErrorCode & bits);
            ulong unit = TouchesInPieces(value) ? ~0xFFFUL : ~0UL; // which piece is touched first is not defined
            Line(text, "cr2", expected.Cr2 & unit, actual.Cr2 & unit);
        }

        CpuState e = expected.State, a = actual.State;
        for (int i = 0; i < 16; i++)
        {
            Line(text, s_names[i], e.Gpr[i], a.Gpr[i]);
        }

        ulong mask = CpuState.FlagsMask & ~(value.Steps == 1 ? FlagRules.Undefined(value) : 0);
        if (expected.Vector >= 0 && value.Code.Mnemonic() is Mnemonic.Scasb or Mnemonic.Scasw or Mnemonic.Scasd or Mnemonic.Scasq
            or Mnemonic.Cmpsb or Mnemonic.Cmpsw or Mnemonic.Cmpsd or Mnemonic.Cmpsq)
        {
            mask = 0; // AMD shows the last comparison's at a fault, Intel (SDM Vol. 2B, REP) those before the instruction
        }

        Line(text, "rflags", e.Rflags & mask, a.Rflags & mask);
        Line(text, "mxcsr", (uint)e.Mxcsr, (uint)a.Mxcsr);
        for (int i = 0; i < 16; i++)
        {
            Line(text, $"ymm{i}", Hex(e.Ymm + (32 * i), 32), Hex(a.Ymm + (32 * i), 32));
        }

        Line(text, "fcw fsw", Hex(e.X87, 4), Hex(a.X87, 4));
        Line(text, "ftw", Hex(e.X87 + 4, 1), Hex(a.X87 + 4, 1));
        for (int i = 0; i < 8; i++)
        {
            Line(text, $"st{i}", Hex(e.X87 + 32 + (16 * i), 10), Hex(a.X87 + 32 + (16 * i), 10));
        }

        Memory(text, Ignored(value, expected.Vector), expected.Memory, actual.Memory);
        return text.Length == 0 ? null : $"{value}\n{text}";
    }

    /// <summary>The cheap answer to most cases.</summary>
    private static unsafe bool IsSame(Result expected, Result actual)
    {
        CpuState e = expected.State, a = actual.State;
        return expected.Vector == actual.Vector && expected.Vector != 14 && expected.At == actual.At
            && new ReadOnlySpan<byte>(&e, CpuState.RflagsOffset).SequenceEqual(new ReadOnlySpan<byte>(&a, CpuState.RflagsOffset))
            && ((e.Rflags ^ a.Rflags) & CpuState.FlagsMask) == 0 && (uint)e.Mxcsr == (uint)a.Mxcsr
            && new ReadOnlySpan<byte>(e.Ymm, 512).SequenceEqual(new ReadOnlySpan<byte>(a.Ymm, 512))
            && new ReadOnlySpan<byte>(e.X87, 5).SequenceEqual(new ReadOnlySpan<byte>(a.X87, 5))
            && new ReadOnlySpan<byte>(e.X87 + 32, 128).SequenceEqual(new ReadOnlySpan<byte>(a.X87 + 32, 128))
            && expected.Memory.AsSpan().SequenceEqual(actual.Memory);
    }

    private static void Memory(StringBuilder text, Predicate<int> isIgnored, byte[] expected, byte[] actual)
    {
        for (int i = 0; i < expected.Length; i += 8)
        {
            ulong mask = 0;
            for (int j = 0; j < 8; j++)
            {
                mask |= isIgnored(i + j) ? 0 : 0xFFUL << (8 * j);
            }

            ulong e = BinaryPrimitives.ReadUInt64LittleEndian(expected.AsSpan(i)) & mask, a = BinaryPrimitives.ReadUInt64LittleEndian(actual.AsSpan(i)) & mask;
            ulong address = i < Arena.DataBytes ? Arena.Data + (ulong)i : Arena.ReadOnly + (ulong)(i - Arena.DataBytes);
            Line(text, $"[{address:X}]", e, a);
        }
    }

    /// <summary>The bytes of memory that are each processor's own: the x87 instruction and operand pointers, MXCSR_MASK, and
    /// what an ENTER that faulted had pushed already.</summary>
    private static unsafe Predicate<int> Ignored(Case value, int vector)
    {
        bool savesX87 = value.Code.Mnemonic() is Mnemonic.Fnstenv or Mnemonic.Fnsave or Mnemonic.Fxsave or Mnemonic.Fxsave64;
        int at = savesX87 ? (int)(Addresses.Of(value) - Arena.Data) : 0;
        CpuState state = value.State;
        int stack = (int)(state.Gpr[4] - Arena.Data);
        return value.Code switch
        {
            Code.Fnstenv_m14byte or Code.Fnsave_m94byte => i => i >= at + 6 && i < at + 14,
            Code.Fnstenv_m28byte or Code.Fnsave_m108byte => i => i >= at + 12 && i < at + 28,
            Code.Fxsave_m512byte or Code.Fxsave64_m512byte => i => (i >= at + 6 && i < at + 24) || (i >= at + 28 && i < at + 32),
            Code.Enterw_imm16_imm8 or Code.Enterq_imm16_imm8 when vector >= 0 => i => i < stack,
            _ => _ => false,
        };
    }

    private static bool IsRepeatedCompare(Case value) =>
        value.Code is Code.Cmpsb_m8_m8 or Code.Cmpsw_m16_m16 or Code.Cmpsd_m32_m32 or Code.Cmpsq_m64_m64
        && value.Decode() is { HasRepPrefix: true } or { HasRepnePrefix: true };

    private static bool TouchesInPieces(Case value) => value.Code.Mnemonic() is Mnemonic.Maskmovq or Mnemonic.Maskmovdqu or Mnemonic.Vmaskmovdqu
        or Mnemonic.Fnstenv or Mnemonic.Fldenv or Mnemonic.Fnsave or Mnemonic.Frstor or Mnemonic.Fxsave or Mnemonic.Fxsave64
        or Mnemonic.Fxrstor or Mnemonic.Fxrstor64 or Mnemonic.Vmaskmovps or Mnemonic.Vmaskmovpd or Mnemonic.Vpmaskmovd or Mnemonic.Vpmaskmovq;

    private static unsafe string Hex(byte* from, int bytes)
    {
        Span<byte> reversed = stackalloc byte[bytes];
        new ReadOnlySpan<byte>(from, bytes).CopyTo(reversed);
        reversed.Reverse();
        return Convert.ToHexString(reversed);
    }

    private static void Line(StringBuilder text, string name, ulong expected, ulong actual)
    {
        if (expected != actual)
        {
            Line(text, name, expected.ToString("X"), actual.ToString("X"));
        }
    }

    private static void Line(StringBuilder text, string name, string expected, string actual)
    {
        if (expected != actual)
        {
            text.Append("  ").Append(name).Append(": expected ").Append(expected).Append(", got ").Append(actual).Append('\n');
        }
    }
}
