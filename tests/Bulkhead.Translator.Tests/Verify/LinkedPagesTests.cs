using Bulkhead.X86.Engine;
using Bulkhead.X86.State;
using Xunit;

namespace Bulkhead.Translator.Tests.Verify;

/// <summary>Jumps between pages need C# to be linked, and again when code they lead to was dropped; not to be taken.</summary>
public sealed unsafe class LinkedPagesTests
{
    [Fact]
    public void Jumps_ThatLeadToAPageOfEachAddressSpace_AreLookedUpByEmittedCode()
    {
        using var guest = new VerifiedGuest("verify=on");
        ref Registers r = ref guest.Vcpu.Registers;
        r.Cr0 |= Cr0.PG;
        r.Cr4 |= Cr4.PSE;
        r.Cr3 = 0x10_0000;
        guest.Write(0x10_0000, "87000000" + "87004000"); // four megabytes where they are, and four of one's own
        guest.Write(0x10_1000, "87000000" + "87008000");
        guest.Write(VerifiedGuest.Code, "B914000000"); // mov ecx, 20
        guest.Write(VerifiedGuest.Code + 5, "BAE8030000"); // turn: mov edx, 1000
        guest.Write(VerifiedGuest.Code + 10, "E8F1FF3E00" + "4A" + "75F8"); // inner: call 0x400000; dec edx; jnz inner
        guest.Write(VerifiedGuest.Code + 18, "0F20D8" + "3500100000" + "0F22D8"); // mov eax, cr3; xor eax, 0x1000; mov cr3, eax
        guest.Write(VerifiedGuest.Code + 29, "E2E6" + "F4"); // loop turn; hlt
        guest.Write(0x40_0000, "43C3"); // inc ebx; ret
        guest.Write(0x80_0000, "46C3"); // inc esi; ret

        Assert.Equal(StopReason.Halt, guest.Run());
        Assert.Equal((10_000ul, 10_000ul), (r.Gpr[3], r.Gpr[6]));
        Assert.InRange(guest.Vcpu.Exits[ExitReason.BlockLookup], 4, 200); // of 20,000 calls
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
