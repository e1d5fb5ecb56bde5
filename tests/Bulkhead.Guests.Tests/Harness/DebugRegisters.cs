using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Harness;

/// <summary>Code that sets debug registers.</summary>
internal static class DebugRegisters
{
    /// <summary>Values of DR7's R/W fields.</summary>
    public const int Execution = 0, Write = 1, Port = 2, ReadOrWrite = 3;

    /// <summary>DR<paramref name="number"/> = address; destroys RAX.</summary>
    public static void Point(Assembler a, int number, ulong address)
    {
        a.mov(rax, address);
        a.mov(Register(number), rax);
    }

    /// <summary>DR<paramref name="number"/> = the address of a label; destroys RAX.</summary>
    public static void Point(Assembler a, int number, Label label)
    {
        a.lea(rax, __[label]);
        a.mov(Register(number), rax);
    }

    /// <summary>DR7 enables these and no others; destroys RAX.</summary>
    public static void Enable(Assembler a, params ReadOnlySpan<(int Number, int Kind, int Length)> breakpoints)
    {
        a.mov(eax, (uint)Dr7(breakpoints));
        a.mov(dr7, rax);
    }

    /// <summary>The value for DR7.</summary>
    public static ulong Dr7(params ReadOnlySpan<(int Number, int Kind, int Length)> breakpoints)
    {
        ulong dr7 = 0x400;
        foreach ((int number, int kind, int length) in breakpoints)
        {
            ulong len = length switch { 1 => 0, 2 => 1, 8 => 2, _ => 3 };
            dr7 |= (number % 2 == 0 ? 1ul : 2) << (2 * number); // L or G, by turns
            dr7 |= ((uint)kind | (len << 2)) << (16 + (4 * number));
        }

        return dr7;
    }

    private static AssemblerRegisterDR Register(int number) => number switch { 0 => dr0, 1 => dr1, 2 => dr2, _ => dr3 };
}
