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
        var text = new StringBuilder();
        if (expected.Vector != actual.Vector)
        {
            Line(text, "vector", expected.Vector.ToString("D"), actual.Vector.ToString("D"));
        }
        else if (expected.Vector == 14)
        {
            // Present and write; user and fetch are the runner's business.
            Line(text, "error code", expected.ErrorCode & 3, actual.ErrorCode & 3);
            Line(text, "cr2", expected.Cr2, actual.Cr2);
        }

        CpuState e = expected.State, a = actual.State;
        for (int i = 0; i < 16; i++)
        {
            Line(text, s_names[i], e.Gpr[i], a.Gpr[i]);
        }

        ulong mask = CpuState.FlagsMask & ~FlagRules.Undefined(value);
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

        Memory(text, value, expected.Memory, actual.Memory);
        return text.Length == 0 ? null : $"{value}\n{text}";
    }

    private static void Memory(StringBuilder text, Case value, byte[] expected, byte[] actual)
    {
        (int start, int length) = Ignored(value);
        for (int i = 0; i < expected.Length; i += 8)
        {
            ulong mask = 0;
            for (int j = 0; j < 8; j++)
            {
                mask |= i + j >= start && i + j < start + length ? 0 : 0xFFUL << (8 * j);
            }

            ulong e = BinaryPrimitives.ReadUInt64LittleEndian(expected.AsSpan(i)) & mask, a = BinaryPrimitives.ReadUInt64LittleEndian(actual.AsSpan(i)) & mask;
            ulong address = i < Arena.DataBytes ? Arena.Data + (ulong)i : Arena.ReadOnly + (ulong)(i - Arena.DataBytes);
            Line(text, $"[{address:X}]", e, a);
        }
    }

    /// <summary>The x87 instruction and operand pointers in memory: the host's addresses, so not compared.</summary>
    private static (int Start, int Length) Ignored(Case value)
    {
        (int at, int length) = value.Entry.Opcode switch
        {
            _ when value.Code is Code.Fnstenv_m14byte or Code.Fnsave_m94byte => (6, 8),
            _ when value.Code is Code.Fnstenv_m28byte or Code.Fnsave_m108byte => (12, 16),
            _ when value.Code is Code.Fxsave_m512byte or Code.Fxsave64_m512byte => (6, 18),
            _ => (0, 0),
        };
        return length == 0 ? default : ((int)(Addresses.Of(value) - Arena.Data) + at, length);
    }

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
