using Bulkhead.Host.Memory;
using Bulkhead.Translator.State;
using Xunit;

namespace Bulkhead.Translator.Tests.State;

public sealed unsafe class OffsetsTests
{
    [Fact]
    public void Registers_InTheState_StandWhereEmittedCodeLooks()
    {
        Assert.Equal(0, Offsets.Gpr % 8);
        Assert.Equal(0, Offsets.Tlb); // user code's checks name its fields in one byte
        Assert.Equal(0, Offsets.Ymm % 32);
        Assert.Equal(0, Offsets.X87 % 16);
    }

    // The turn timer's handler writes the limit and the word behind it.
    [Fact]
    public void TurnEnded_InTheState_FollowsTheLimit()
    {
        using PrivateMemory memory = new((ulong)sizeof(VcpuState));
        VcpuState* state = (VcpuState*)memory.Pointer;

        Assert.Equal(Offsets.Limit, (int)((byte*)&state->Limit - (byte*)state));
        Assert.Equal(Offsets.Limit + sizeof(ulong), (int)((byte*)&state->TurnEnded - (byte*)state));
    }

    // The jump cache and the TLB are indexed by shifts; an entry is two words. An operand that bounces is as misaligned as its address.
    [Fact]
    public void Tables_InTheState_AreAligned()
    {
        using PrivateMemory memory = new((ulong)sizeof(VcpuState));
        VcpuState* state = (VcpuState*)memory.Pointer;
        Assert.Equal(0, ((byte*)&state->Bounce - (byte*)state) % 64);
        Assert.Equal(0, Offsets.JumpCache % 16);
        Assert.Equal(0, Offsets.Tlb % 16);
        Assert.Equal(0, Offsets.CodeTlb % 4);
    }
}
