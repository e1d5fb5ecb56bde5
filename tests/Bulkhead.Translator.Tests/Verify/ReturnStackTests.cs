using Bulkhead.Translator.State;
using Bulkhead.X86.Engine;
using Xunit;

namespace Bulkhead.Translator.Tests.Verify;

/// <summary>The host return stack has an end.</summary>
public sealed unsafe class ReturnStackTests
{
    /// <summary>Pages that share a slot of the code TLB: every call between them takes the way of an edge that is not linked.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("chain=off")]
    public void Calls_NestedDeeperThanTheReturnStack_BetweenPagesOfOneCodeSlot_ComeBack(string options)
    {
        const ulong other = 0x201_0000;
        Assert.Equal(VcpuState.SlotOf(VerifiedGuest.Code + 0x100, view: 1), VcpuState.SlotOf(other, view: 1));
        using var guest = new VerifiedGuest(options);
        guest.Write(VerifiedGuest.Code, "B9A0860100" + "E8F6000000" + "F4"); // mov ecx, 100000; call first; hlt
        guest.Write(VerifiedGuest.Code + 0x100, "49" + "7405" + "E8F8FEFF01" + "C3"); // first: dec ecx; jz done; call second; done: ret
        guest.Write(other, "E8FB0000FE" + "C3"); // second: call first; ret

        Assert.Equal(StopReason.Halt, guest.Run());
        Assert.Equal(0x80_0000ul, guest.Vcpu.Registers.Gpr[4]);
    }
}
