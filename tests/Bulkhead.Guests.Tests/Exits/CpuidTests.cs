using Bulkhead.Guests.Tests.Harness;
using Bulkhead.X86.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Exits;

/// <summary>CPUID, which translated code answers from what was answered before.</summary>
public sealed class CpuidTests
{
    private const ulong Questions = Layout.Data, Answers = Layout.Free;

    private static readonly uint[] s_subleaves = [0, 1, 2, 3, 128];

    // What depends on the state is asked first and last: what was kept of it would still be there. Many of the others share an entry of
    // the engine's table.
    private static readonly (uint Leaf, uint Subleaf)[] s_ofState = [(1, 0), (0xD, 0), (0xD, 1)];

    private static readonly (uint Leaf, uint Subleaf)[] s_questions =
    [
        .. s_ofState,
        .. from leaf in Enumerable.Range(0, 0x20) from subleaf in s_subleaves select ((uint)leaf, subleaf),
        .. from leaf in Enumerable.Range(0, 0x24) select (0x8000_0000 + (uint)leaf, 0u),
        (0x4000_0000, 0), (0x4000_0001, 0), (0x4000_0100, 0), (0x4000_0101, 0), (0x4000_0101, uint.MaxValue), (uint.MaxValue, uint.MaxValue), (uint.MaxValue, 0),
        .. s_ofState,
    ];

    [Theory]
    [EngineSettings]
    public void Cpuid_AskedAgainAndInOtherStates_AnswersAsTheInterpreter(string engine)
    {
        ulong[] wanted = Ask("inline-system=off");
        Assert.True(wanted.Distinct().Count() > 50);
        Assert.Equal(wanted, Ask(engine));
    }

    private static ulong[] Ask(string engine)
    {
        using Guest guest = new(engine);
        for (int i = 0; i < s_questions.Length; i++)
        {
            guest.Write32(Questions + (8 * (ulong)i), s_questions[i].Leaf);
            guest.Write32(Questions + (8 * (ulong)i) + 4, s_questions[i].Subleaf);
        }

        int states = 0;
        guest.Long(a =>
        {
            Label round = a.CreateLabel(), next = a.CreateLabel(), begin = a.CreateLabel();
            a.mov(rdi, Answers);
            a.mov(r8d, 1);
            a.jmp(begin);

            // Each twice.
            a.Label(ref round);
            a.mov(rsi, Questions);
            a.Label(ref next);
            a.xor(r8d, 1);
            a.mov(rax, 0xDEAD_BEEF_0000_0000);
            a.mov(rcx, rax);
            a.mov(rdx, rax);
            a.mov(rbx, rax);
            a.mov(r9d, __dword_ptr[rsi]);
            a.or(rax, r9);
            a.mov(r9d, __dword_ptr[rsi + 4]);
            a.or(rcx, r9);
            a.stc(); // CPUID leaves flags alone
            a.cpuid();
            a.adc(rbx, 0);
            a.mov(__[rdi], rax);
            a.mov(__[rdi + 8], rbx);
            a.mov(__[rdi + 16], rcx);
            a.mov(__[rdi + 24], rdx);
            a.add(rdi, 32);
            a.lea(rsi, __[rsi + (r8 * 8)]);
            a.cmp(rsi, (int)Questions + (8 * s_questions.Length));
            a.jb(next);
            a.ret();

            a.Label(ref begin);
            Round();
            a.mov(ecx, 0);
            a.mov(edx, 0);
            a.mov(eax, 3);
            a.xsetbv();
            Round();
            a.mov(rax, cr4);
            a.xor(rax, (int)Cr4.OSXSAVE);
            a.mov(cr4, rax);
            Round();
            a.mov(rax, cr4);
            a.xor(rax, (int)Cr4.OSXSAVE);
            a.mov(cr4, rax);
            Round();
            guest.Exit();

            void Round()
            {
                states++;
                a.call(round);
            }
        });

        return [.. Enumerable.Range(0, states * 2 * s_questions.Length * 4).Select(i => guest.Read(Answers + (8 * (ulong)i)))];
    }
}
