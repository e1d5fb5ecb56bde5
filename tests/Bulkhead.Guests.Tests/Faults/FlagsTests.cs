using Bulkhead.Guests.Tests.Harness;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Faults;

/// <summary>Status flags, each combination of them, on every way from one block to another.</summary>
public sealed class FlagsTests
{
    private const int Combinations = 64;
    private const ulong Pieces = Layout.Code + 0x2_0000;
    private const int Values = (int)Layout.Data;
    private const int Scratch = (int)Layout.Data + 0x1000;
    private const int Results = (int)Layout.Free;

    private static readonly Way[] s_ways = Enum.GetValues<Way>();

    [Theory]
    [EngineSettings]
    public void Flags_OnEveryWay_AreThoseOfBefore(string engine)
    {
        using Guest guest = new(engine);
        for (int i = 0; i < Combinations; i++)
        {
            guest.Write(Values + (8 * (ulong)i), FlagsOf(i));
        }

        int pieces = s_ways.Length * 2;
        for (int p = 0; p < pieces; p++)
        {
            PlacePiece(guest, PieceAt(p), s_ways[p / 2], p % 2 != 0);
        }

        guest.Long(a =>
        {
            Label again = a.CreateLabel(), next = a.CreateLabel();
            a.mov(r12d, 3); // translated, linked, and as it stays
            a.Label(ref again);
            a.xor(r15d, r15d);
            a.Label(ref next);
            for (int p = 0; p < pieces; p++)
            {
                a.lea(rsi, __[(r15 * 8) + Values]);
                a.xor(ebx, ebx);
                a.call(PieceAt(p));
                a.mov(__qword_ptr[(r15 * 8) + Results + (p * Combinations * 8)], rbx);
            }

            a.inc(r15d);
            a.cmp(r15d, Combinations);
            a.jne(next);
            a.dec(r12d);
            a.jne(again);
            guest.Exit();
        });

        Assert.Empty(guest.Events);
        for (int p = 0; p < pieces; p++)
        {
            for (int i = 0; i < Combinations; i++)
            {
                ulong found = guest.Read((ulong)Results + (8 * (ulong)((p * Combinations) + i)));
                Assert.True(ConditionsOf(FlagsOf(i)) == found, $"{s_ways[p / 2]}, {p % 2}: flags {FlagsOf(i):x} give conditions {ConditionsOf(FlagsOf(i)):x}, found {found:x}");
            }
        }
    }

    private static ulong PieceAt(int piece) => Pieces + ((ulong)piece * 0x2000);

    /// <summary>Loads the flags RSI points to and goes a way to code that adds up in RBX which conditions are met.</summary>
    /// <param name="guest">Where to.</param>
    /// <param name="at">The first of two pages.</param>
    /// <param name="way">How.</param>
    /// <param name="touches">Whether memory is accessed there before the first condition.</param>
    private static void PlacePiece(Guest guest, ulong at, Way way, bool touches)
    {
        bool leaves = way is Way.JumpToPage or Way.CallToPage or Way.BranchToPage;
        ulong other = at + 0x1000;
        if (leaves)
        {
            guest.Place(64, other, a => Conditions(a, touches));
        }

        guest.Place(64, at, a =>
        {
            Label target = a.CreateLabel(), start = a.CreateLabel();
            if (way == Way.Backward)
            {
                a.jmp(start);
                a.Label(ref target);
                Conditions(a, touches);
                a.Label(ref start);
            }

            if (way == Way.Indirect)
            {
                a.lea(rax, __[target]);
            }

            a.push(__qword_ptr[rsi]);
            a.popfq();
            switch (way)
            {
                case Way.Forward or Way.Backward:
                    a.jmp(target);
                    break;
                case Way.Call:
                    a.call(target);
                    a.ret();
                    break;
                case Way.JumpToPage:
                    a.jmp(other);
                    break;
                case Way.CallToPage:
                    a.call(other);
                    a.ret();
                    break;
                case Way.Indirect:
                    a.jmp(rax);
                    break;
                case Way.Branch:
                    a.jb(target);
                    a.jae(target);
                    break;
                case Way.BranchToPage:
                    a.js(other);
                    a.jns(other);
                    break;
                default:
                    a.mov(rdx, __qword_ptr[Scratch]);
                    a.jo(target);
                    a.mov(rdx, __qword_ptr[Scratch + 0x1000]);
                    a.jno(target);
                    break;
            }

            if (!leaves && way != Way.Backward)
            {
                a.Label(ref target);
                Conditions(a, touches);
            }
        });
    }

    private static void Conditions(Assembler a, bool touches)
    {
        if (touches)
        {
            a.mov(rdx, __qword_ptr[Scratch]);
        }

        Action<Label>[] branches = [a.jno, a.jo, a.jae, a.jb, a.jne, a.je, a.ja, a.jbe, a.jns, a.js, a.jnp, a.jp, a.jge, a.jl, a.jg, a.jle];
        for (int c = 0; c < branches.Length; c++)
        {
            Label not = a.CreateLabel();
            branches[c](not);
            a.lea(rbx, __[rbx + (1 << c)]);
            a.mov(rdx, __qword_ptr[Scratch + (c * 0x1000)]);
            a.Label(ref not);
            if (c % 3 == 0)
            {
                a.mov(__qword_ptr[Scratch + 8 + (c * 0x1000)], rdx);
            }
        }

        a.ret();
    }

    private static ulong FlagsOf(int combination)
    {
        ulong flags = 2;
        foreach ((int bit, int flag) in ((int, int)[])[(0, 0), (1, 2), (2, 4), (3, 6), (4, 7), (5, 11)])
        {
            flags |= (ulong)(combination >> bit & 1) << flag;
        }

        return flags;
    }

    /// <summary>Bit n: whether condition n of a branch's opcode is met.</summary>
    private static ulong ConditionsOf(ulong flags)
    {
        bool Has(int flag) => ((flags >> flag) & 1) != 0;
        (bool carry, bool parity, bool zero, bool sign, bool overflow) = (Has(0), Has(2), Has(6), Has(7), Has(11));
        bool[] even = [overflow, carry, zero, carry || zero, sign, parity, sign != overflow, zero || sign != overflow];
        ulong met = 0;
        for (int c = 0; c < 16; c++)
        {
            met |= even[c / 2] != (c % 2 != 0) ? 1ul << c : 0;
        }

        return met;
    }

    private enum Way
    {
        Forward,
        Backward,
        Call,
        JumpToPage,
        CallToPage,
        Indirect,
        Branch,
        BranchToPage,
        Saved,
    }
}
