using Bulkhead.Machine.Domains;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Machine.Tests.Guests;

/// <summary>One domain ends badly; the other one on the same worker goes on untouched.</summary>
public sealed class ContainmentTests
{
    private const uint Rounds = 1_000_000;

    [Fact]
    public void TripleFault_OfOne_LeavesTheOtherAlone() => AssertContained(static c => c.TripleFault(), 12);

    [Fact]
    public void HaltForGood_OfOne_LeavesTheOtherAlone() => AssertContained(static c => c.Halt(), 20);

    [Fact]
    public void ResetLoop_OfOne_LeavesTheOtherAlone() => AssertContained(static c => c.Out(0x64, 0xFE), 14);

    [Fact]
    public void Unsupported_InOne_LeavesTheOtherAlone() =>
        AssertContained(
            static c =>
            {
                // Virtual-8086 mode.
                c.mov(esp, 0x9000);
                c.push(0);
                c.push(0);
                c.push(0);
                c.push(0);
                c.push(0);
                c.push(0x8000);
                c.push(0x2_0002);
                c.push(0);
                c.push(0);
                c.iretd();
            },
            16);

    [Fact]
    public void Kill_OfOneThatRunsInACircle_LeavesTheOtherAlone()
    {
        using var machine = new TinyMachine();
        machine.Add(static c =>
        {
            Label again = c.CreateLabel();
            c.Label(ref again);
            c.jmp(again);
        });
        machine.Add(Count);
        LetGoAtTheEnd(machine);
        machine.Runner.Start();

        machine.Runner.Domains[0].Stop(77, "killed");
        IReadOnlyList<DomainResult> results = machine.End();

        Assert.Equal((77, "killed"), (results[0].ExitCode, results[0].Message));
        AssertCounted(machine, results[1]);
    }

    private static void AssertContained(Action<Assembler> bad, int exitCode)
    {
        using var machine = new TinyMachine();
        machine.Add(bad);
        machine.Add(Count);
        LetGoAtTheEnd(machine);

        IReadOnlyList<DomainResult> results = machine.Run();

        Assert.Equal(exitCode, results[0].ExitCode);
        AssertCounted(machine, results[1]);
    }

    // The other one counts until it is told that the first one ended; so it certainly ran after that.
    private static void LetGoAtTheEnd(TinyMachine machine) =>
        machine.Runner.Domains[0].Ended += _ => machine.Runner.Domains[1].SendInput("x"u8);

    private static void AssertCounted(TinyMachine machine, DomainResult result)
    {
        Assert.Equal("begin", machine.Output(1));
        Assert.Equal(((int)Sum() << 1) | 1, result.ExitCode);
        Assert.Equal("debug exit", result.Message);
    }

    // The sum of a round, mixed down to 7 bits.
    private static uint Sum()
    {
        uint sum = 0;
        for (uint i = Rounds; i != 0; i--)
        {
            sum = (sum * 3) + i;
        }

        sum ^= sum >> 16;
        return (sum ^ (sum >> 8)) & 0x7F;
    }

    // Round after round, each checked; the serial line's first byte ends it.
    private static void Count(Assembler c)
    {
        Label round = c.CreateLabel();
        Label again = c.CreateLabel();
        Label end = c.CreateLabel();
        c.Print("begin");
        c.Label(ref round);
        c.mov(ecx, Rounds);
        c.xor(eax, eax);
        c.Label(ref again);
        c.lea(eax, __[eax + (eax * 2)]);
        c.add(eax, ecx);
        c.dec(ecx);
        c.jne(again);
        c.mov(ebx, eax);
        c.shr(ebx, 16);
        c.xor(eax, ebx);
        c.mov(ebx, eax);
        c.shr(ebx, 8);
        c.xor(eax, ebx);
        c.and(eax, 0x7F);
        c.mov(esi, eax);
        c.cmp(eax, Sum());
        c.jne(end);
        c.mov(dx, 0x3FD);
        c.@in(al, dx);
        c.test(al, 1);
        c.je(round);
        c.Label(ref end);
        c.mov(eax, esi);
        c.Exit();
    }
}
