using Bulkhead.Translator.State;
using Bulkhead.X86.Engine;
using Xunit;

namespace Bulkhead.Translator.Tests.Verify;

/// <summary>Jumps between pages need C# to be linked, and again when code they lead to was dropped; not to be taken.</summary>
public sealed unsafe class LinkedPagesTests
{
    private const ulong Other = 0x101_0000;

    [Fact]
    public void Jumps_BetweenPagesOfOneCodeSlot_AreLookedUpByEmittedCode()
    {
        Assert.Equal(VcpuState.SlotOf(VerifiedGuest.Code, view: 1), VcpuState.SlotOf(Other, view: 1));
        using var guest = new VerifiedGuest("verify=on");
        guest.Write(VerifiedGuest.Code, "B9A0860100" + "E9F6FFFF00"); // mov ecx, 100000; jmp Other
        guest.Write(VerifiedGuest.Code + 0x100, "E9FBFEFF00"); // again: jmp Other
        guest.Write(Other, "49" + "7405" + "E9F80000FF" + "F4"); // dec ecx; jz done; jmp again; done: hlt

        Assert.Equal(StopReason.Halt, guest.Run());
        Assert.Equal(0ul, guest.Vcpu.Registers.Gpr[1]);
        Assert.InRange(guest.Vcpu.Exits[ExitReason.BlockLookup], 3, 30);
    }

    [Fact]
    public void Jumps_ToCodeThatIsDroppedNowAndThen_AreLinkedAgain()
    {
        using var guest = new VerifiedGuest("verify=on");
        const ulong target = 0x2_0000;
        guest.Write(VerifiedGuest.Code, "B9E8030000"); // mov ecx, 1000
        guest.Write(VerifiedGuest.Code + 5, "BAE8030000"); // turn: mov edx, 1000
        guest.Write(VerifiedGuest.Code + 10, "E8F1FF0000" + "4A" + "75F8"); // inner: call target; dec edx; jnz inner
        guest.Write(VerifiedGuest.Code + 18, "66FF0503000200"); // inc word [target + 3]: its code changes
        guest.Write(VerifiedGuest.Code + 25, "E2EA" + "F4"); // loop turn; hlt
        guest.Write(target, "6681C30000" + "C3"); // add bx, 0 and up; ret

        Assert.Equal(StopReason.Halt, guest.Run());
        Assert.Equal((ushort)(999 * 1000 / 2 * 1000 % 65536), (ushort)guest.Vcpu.Registers.Gpr[3]);
        Assert.InRange(guest.Vcpu.Exits[ExitReason.BlockLookup], 1000, 8000); // of a million calls
    }
}
