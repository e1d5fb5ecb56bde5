using System.Numerics;
using Bulkhead.Guests.Tests.Harness;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Faults;

/// <summary>Loops, branches and calls of one piece of code, with flags that live across them.</summary>
public sealed class LoopTests
{
    private const int Words = 37;

    [Theory]
    [EngineSettings]
    public void Carry_AcrossTheIterationsOfALoop_IsKept(string engine)
    {
        using Guest guest = new(engine);
        ulong[] left = [.. Enumerable.Range(0, Words).Select(static i => i % 3 == 0 ? ulong.MaxValue : 0xFEDC_BA98_7654_3210ul * (ulong)(i + 1))];
        ulong[] right = [.. Enumerable.Range(0, Words).Select(static i => i % 5 == 1 ? 0ul : ~(0x0123_4567_89AB_CDEFul * (ulong)i))];
        for (int i = 0; i < Words; i++)
        {
            guest.Write(Layout.Data + (ulong)(8 * i), left[i]);
            guest.Write(Layout.Data + 0x800 + (ulong)(8 * i), right[i]);
        }

        guest.Long(a =>
        {
            Label loop = a.CreateLabel();
            a.mov(esi, (int)Layout.Data);
            a.mov(edi, (int)Layout.Data + 0x800);
            a.mov(ecx, Words);
            a.xor(ebx, ebx);
            a.Label(ref loop);
            a.mov(rax, __qword_ptr[rsi]);
            a.adc(__qword_ptr[rdi], rax);
            a.lea(rsi, __[rsi + 8]);
            a.lea(rdi, __[rdi + 8]);
            a.dec(ecx);
            a.jne(loop);
            a.setc(bl);
            a.mov(__qword_ptr[rdi], rbx);
            guest.Exit();
        });
        BigInteger expected = Number(left) + Number(right);
        Assert.Equal(expected, Number([.. Enumerable.Range(0, Words + 1).Select(i => guest.Read(Layout.Data + 0x800 + (ulong)(8 * i)))]));
    }

    /// <summary>Steps of the Collatz sequence: a loop with two ways through it that meet, and a call on one of them.</summary>
    [Theory]
    [EngineSettings]
    public void Ways_ThatMeetAndCall_CountTheSame(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            Label number = a.CreateLabel(), step = a.CreateLabel(), even = a.CreateLabel(), met = a.CreateLabel(), triple = a.CreateLabel(), done = a.CreateLabel();
            a.mov(r15d, 1);
            a.xor(r14d, r14d);
            a.Label(ref number);
            a.mov(rax, r15);
            a.Label(ref step);
            a.cmp(rax, 1);
            a.je(done);
            a.inc(r14);
            a.test(al, 1);
            a.je(even);
            a.call(triple);
            a.jmp(met);
            a.Label(ref even);
            a.shr(rax, 1);
            a.Label(ref met);
            a.mov(__qword_ptr[(int)Layout.Data], rax);
            a.cmp(rax, __qword_ptr[(int)Layout.Data]);
            a.je(step);
            a.ud2();
            a.Label(ref done);
            a.inc(r15);
            a.cmp(r15, 1000);
            a.jne(number);
            a.mov(__qword_ptr[(int)Layout.Data], r14);
            guest.Exit();
            a.Label(ref triple);
            a.lea(rax, __[rax + (rax * 2) + 1]);
            a.ret();
        });

        ulong steps = 0;
        for (ulong i = 1; i < 1000; i++)
        {
            for (ulong n = i; n != 1; n = n % 2 == 0 ? n / 2 : (3 * n) + 1)
            {
                steps++;
            }
        }

        Assert.Empty(guest.Events);
        Assert.Equal(steps, guest.Read(Layout.Data));
    }

    private static BigInteger Number(ulong[] words)
    {
        BigInteger sum = 0;
        for (int i = words.Length - 1; i >= 0; i--)
        {
            sum = (sum << 64) + words[i];
        }

        return sum;
    }
}
