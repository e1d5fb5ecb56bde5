using Bulkhead.Translator.State;
using Bulkhead.X86.Engine;
using Bulkhead.X86.Instructions;
using Xunit;

namespace Bulkhead.Translator.Tests.Verify;

/// <summary>The verifier and the TLB's check at work in an engine.</summary>
public sealed unsafe class VerifiedRunTests
{
    // mov eax, [20000000h >> 8]; inc dword [300000h]; lea eax, [eax + eax]; movd mm0, eax; hlt
    private const string Program = "A100002000 FF0500003000 8D0400 0F6EC0 F4";

    [Fact]
    public void Run_Verified_IsAsWithout()
    {
        using var guest = new VerifiedGuest("verify=on");
        guest.Write(VerifiedGuest.Code, Program.Replace(" ", "", StringComparison.Ordinal));

        Assert.Equal(StopReason.Halt, guest.Run());
        Assert.Null(guest.Vcpu.VerifyTlb());
    }

    [Fact]
    public void Run_BlockThatBreaksARule_StopsWithTheWords()
    {
        // An instruction that is offered when it is emitted, and not when it is verified.
        int asked = 0;
        using var guest = new VerifiedGuest("verify=on", feature => feature != CpuFeature.Mmx || asked++ == 0);
        guest.Write(VerifiedGuest.Code, Program.Replace(" ", "", StringComparison.Ordinal));

        Assert.Equal(StopReason.EngineError, guest.Run());
        Assert.Contains("block 10000, host offset", guest.Vcpu.StopDetail, StringComparison.Ordinal);
        Assert.Contains("bytes 0F6EC0: an instruction no block may hold", guest.Vcpu.StopDetail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("host", "a host address that is no page of RAM")]
    [InlineData("host before RAM", "a host address that is no page of RAM")]
    [InlineData("host inside a page", "a host address that is no page of RAM")]
    [InlineData("write tag", "a write tag of another page than the read tag")]
    [InlineData("tag", "a tag that is no page")]
    [InlineData("code", "a write tag for a page that holds code")]
    public void VerifyTlb_EntryChanged_IsReported(string what, string rule)
    {
        using var guest = new VerifiedGuest("");
        guest.Write(VerifiedGuest.Code, Program.Replace(" ", "", StringComparison.Ordinal));
        Assert.Equal(StopReason.Halt, guest.Run());
        VcpuState.TlbEntry* entry = (VcpuState.TlbEntry*)((byte*)guest.Vcpu.State + Offsets.Tlb) + (2 * VcpuState.TlbEntries) + 0x300;
        Assert.Equal((0x30_0000ul, 0x30_0000ul), (entry->ReadTag, entry->WriteTag));
        switch (what)
        {
            case "host": entry->Host += (ulong)guest.Memory.SizeBytes; break;
            case "host before RAM": entry->Host -= 0x30_1000; break;
            case "host inside a page": entry->Host += 8; break;
            case "write tag": entry->WriteTag += VcpuState.TlbEntries << 12; break;
            case "tag": entry->ReadTag += 4; break;
            default: guest.Space.IsCode(0x300) = 1; break;
        }

        Assert.Contains(rule, guest.Vcpu.VerifyTlb(), StringComparison.Ordinal);
    }
}
