using Bulkhead.Machine.Domains;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Machine.Tests.Guests;

/// <summary>How guests end on the real engine: the exit code, and words that say where.</summary>
public sealed class EndTests
{
    [Fact]
    public void Halted_InterruptsOff_EndsWithWords() =>
        AssertEnd(static c => c.Halt(), 20, "halted for good");

    [Fact]
    public void Halted_TheOtherVcpuWaitsForSipi_EndsToo() =>
        AssertEnd(static c => c.Halt(), 20, "halted for good", vcpus: 2);

    [Fact]
    public void Halted_InterruptsOn_GoesOnAtTheTimer() =>
        AssertEnd(
            static c =>
            {
                c.SetGate(0x40, exit: 3);
                c.StartApicTimer(0x40);
                c.sti();
                c.hlt();
                c.ud2();
            },
            7, "debug exit");

    [Fact]
    public void Halted_NmiCanStillCome_GoesOn() =>
        AssertEnd(
            static c =>
            {
                c.SetGate(2, exit: 4);

                // I/O APIC pin 2 (the PIT) sends an NMI to processor 0.
                c.mov(ebx, 0xFEC0_0000);
                c.mov(__dword_ptr[ebx], 0x15);
                c.mov(__dword_ptr[ebx + 0x10], 0);
                c.mov(__dword_ptr[ebx], 0x14);
                c.mov(__dword_ptr[ebx + 0x10], 0x400);
                c.Out(0x43, 0x30);
                c.Out(0x40, 0x00);
                c.Out(0x40, 0x40);
                c.Halt();
            },
            9, "debug exit");

    [Fact]
    public void Halted_AfterAPanic_IsAPanic() =>
        AssertEnd(
            static c =>
            {
                c.Print("Kernel panic - not syncing: Oh no\n");
                c.Halt();
            },
            10, "panicked: Oh no, and halted");

    [Fact]
    public void TripleFault_Any_EndsWithWords() =>
        AssertEnd(static c => c.TripleFault(), 12, "triple fault");

    [Fact]
    public void Reset_AgainAndAgain_IsALoop() =>
        AssertEnd(static c => c.Out(0x64, 0xFE), 14, "resets again and again");

    [Fact]
    public void Reset_AfterAPanic_IsAPanic() =>
        AssertEnd(
            static c =>
            {
                c.Print("Kernel panic - not syncing: Oh no\n");
                c.Out(0x64, 0xFE);
            },
            10, "panicked: Oh no;");

    private static void AssertEnd(Action<Assembler> code, int exitCode, string words, int vcpus = 1)
    {
        using var machine = new TinyMachine();
        machine.Add(code, vcpus);

        DomainResult result = Assert.Single(machine.Run());

        Assert.Equal(exitCode, result.ExitCode);
        Assert.Contains(words, result.Message, StringComparison.Ordinal);
        if (words != "debug exit")
        {
            Assert.Contains("vCPU 0 at RIP 0000000001000", result.Message, StringComparison.Ordinal);
        }
    }
}
