using Bulkhead.X86.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Translator.Tests.Interpret;

public sealed unsafe class FootprintStringTests
{
    private const ulong Rcx = 1, Rsi = 6, Rdi = 7;

    public static TheoryData<string> Names => [.. Operations.Keys];

    private static readonly Dictionary<string, Action<Assembler>> Operations = new()
    {
        ["movsb"] = a => a.movsb(),
        ["movsw"] = a => a.movsw(),
        ["movsd"] = a => a.movsd(),
        ["movsq"] = a => a.movsq(),
        ["rep movsb"] = a => a.rep.movsb(),
        ["rep movsw"] = a => a.rep.movsw(),
        ["rep movsd"] = a => a.rep.movsd(),
        ["rep movsq"] = a => a.rep.movsq(),
        ["repne movsb"] = a => a.repne.movsb(),
        ["rep movsb addr32"] = a => a.db(0x67, 0xF3, 0xA4),
        ["rep stosb addr32"] = a => a.db(0x67, 0xF3, 0xAA),
        ["stosb"] = a => a.stosb(),
        ["rep stosb"] = a => a.rep.stosb(),
        ["rep stosw"] = a => a.rep.stosw(),
        ["rep stosd"] = a => a.rep.stosd(),
        ["rep stosq"] = a => a.rep.stosq(),
        ["lodsb"] = a => a.lodsb(),
        ["lodsd"] = a => a.lodsd(),
        ["rep lodsw"] = a => a.rep.lodsw(),
        ["rep lodsq"] = a => a.rep.lodsq(),
        ["scasb"] = a => a.scasb(),
        ["repne scasb"] = a => a.repne.scasb(),
        ["repe scasb"] = a => a.repe.scasb(),
        ["repne scasw"] = a => a.repne.scasw(),
        ["repe scasd"] = a => a.repe.scasd(),
        ["repne scasq"] = a => a.repne.scasq(),
        ["cmpsb"] = a => a.cmpsb(),
        ["cmpsq"] = a => a.cmpsq(),
        ["repe cmpsb"] = a => a.repe.cmpsb(),
        ["repe cmpsw"] = a => a.repe.cmpsw(),
        ["repe cmpsd"] = a => a.repe.cmpsd(),
        ["repe cmpsq"] = a => a.repe.cmpsq(),
        ["repne cmpsb"] = a => a.repne.cmpsb(),
        ["repne cmpsd"] = a => a.repne.cmpsd(),
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void String_RandomOperands_SameAsHost(string name)
    {
        using var m = new FootprintMachine();
        var random = new Random(name.Length * 7919);
        for (int i = 0; i < 30; i++)
        {
            m.Randomize(random);
            if (random.Next(2) == 0)
            {
                // Long equal runs, so that compares and scans go far.
                m.Data.Fill((byte)random.Next(256));
                m.Base[random.Next(FootprintMachine.DataSize)] ^= 0x40;
            }

            bool addr32 = name.EndsWith("addr32", StringComparison.Ordinal);
            int count = addr32 ? 0 : random.Next(6) switch { 0 => 0, 1 => 1, 2 => random.Next(10), _ => random.Next(1500) };
            bool down = random.Next(3) == 0;
            int source = random.Next(0x4000, 0xB000);
            int target = random.Next(3) == 0 ? source + random.Next(-70, 70) : random.Next(0x4000, 0xB000);
            m.R->Gpr[Rcx] = addr32 ? m.R->Gpr[Rcx] & ~0xFFFF_FFFFul : (ulong)count;
            m.R->Gpr[Rsi] = (ulong)m.Base + (ulong)source;
            m.R->Gpr[Rdi] = (ulong)m.Base + (ulong)target;
            m.R->Gpr[0] = random.Next(2) == 0 ? m.R->Gpr[0] : m.Base[target] * 0x0101_0101_0101_0101ul;
            m.R->Rflags |= down ? Rflags.DF : 0;
            m.AssertSameAsHost(Operations[name]);
        }
    }

    [Fact]
    public void RepMovsb_TargetPageMissing_ProgressIsKept()
    {
        using var m = new FootprintMachine();
        m.Randomize(new Random(1));
        m.Map((ulong)m.Base + 0x3000, 0, 0);
        m.R->Gpr[Rcx] = 0x1000;
        m.R->Gpr[Rsi] = (ulong)m.Base + 0x5000;
        m.R->Gpr[Rdi] = (ulong)m.Base + 0x2F00;
        Assert.False(m.Interpret(a => a.rep.movsb()));
        Assert.Equal(GuestFault.PageFault((ulong)m.Base + 0x3000, 2), m.Interpreter.Fault);
        Assert.Equal(0xF00ul, m.R->Gpr[Rcx]);
        Assert.Equal((ulong)m.Base + 0x3000, m.R->Gpr[Rdi]);
        Assert.Equal((ulong)m.Base + 0x5100, m.R->Gpr[Rsi]);
        Assert.True(m.Data.Slice(0x2F00, 0x100).SequenceEqual(m.Data.Slice(0x5000, 0x100)));
    }

    [Fact]
    public void RepStosq_ManyPages_LeavesAfterAboutAPage()
    {
        using var m = new FootprintMachine();
        m.R->Gpr[Rcx] = 0x1000;
        m.R->Gpr[Rdi] = (ulong)m.Base;
        ulong rip = m.R->Rip;
        m.WrittenBytes = 0;
        Assert.True(m.Interpret(a => a.rep.stosq(), maxCalls: 1));
        Assert.Equal(rip, m.R->Rip);
        Assert.Equal(0x1000ul - 512, m.R->Gpr[Rcx]);
        Assert.Equal(4096ul, m.WrittenBytes);
    }

    [Fact]
    public void RepStosb_SingleStepped_OneElementACall()
    {
        using var m = new FootprintMachine();
        m.R->Gpr[Rcx] = 5;
        m.R->Gpr[Rdi] = (ulong)m.Base;
        m.R->Rflags |= Rflags.TF;
        Assert.True(m.Interpret(a => a.rep.stosb(), maxCalls: 1));
        Assert.Equal(4ul, m.R->Gpr[Rcx]);
    }

    [Fact]
    public void Movs_SegmentOverride_AddsTheBase()
    {
        using var m = new FootprintMachine();
        m.Randomize(new Random(2));
        m.R->Segments[(int)SegmentIndex.Gs].Base = (ulong)m.Base;
        m.R->Gpr[Rsi] = 0x5000;
        m.R->Gpr[Rdi] = (ulong)m.Base + 0x100;
        Assert.True(m.Interpret([0x65, 0x48, 0xA5], 64));
        Assert.True(m.Data.Slice(0x100, 8).SequenceEqual(m.Data.Slice(0x5000, 8)));
    }

    [Fact]
    public void RepMovsb_Addr16_WrapsAt64KiB()
    {
        using var m = new FootprintMachine();
        m.Randomize(new Random(3));
        m.R->Cr0 = Cr0.PE;
        m.R->Efer = 0;
        m.R->Segments[(int)SegmentIndex.Cs].Access = 0x009B;
        m.R->Segments[(int)SegmentIndex.Ds].Base = FootprintMachine.DataGpa;
        m.R->Segments[(int)SegmentIndex.Ds].Limit = 0xFFFF;
        m.R->Segments[(int)SegmentIndex.Es] = m.R->Segments[(int)SegmentIndex.Ds];
        m.R->Gpr[Rcx] = 0x7777_0010;
        m.R->Gpr[Rsi] = 0xFFF8;
        m.R->Gpr[Rdi] = 0x4000;
        byte[] expected = [.. m.Data[0xFFF8..], .. m.Data[..8]];
        Assert.True(m.Interpret([0xF3, 0xA4], 16));
        Assert.True(m.Data.Slice(0x4000, 16).SequenceEqual(expected));
        Assert.Equal(0x7777_0000ul, m.R->Gpr[Rcx]);
        Assert.Equal(8ul, m.R->Gpr[Rsi]);
    }

    [Fact]
    public void RepMovsb_LimitInsideThePage_FaultsAtTheLimit()
    {
        using var m = new FootprintMachine();
        m.R->Cr0 = Cr0.PE;
        m.R->Efer = 0;
        m.R->Segments[(int)SegmentIndex.Cs].Access = 0x409B;
        m.R->Segments[(int)SegmentIndex.Es].Base = FootprintMachine.DataGpa;
        m.R->Segments[(int)SegmentIndex.Es].Limit = 0x107;
        m.R->Gpr[Rcx] = 16;
        m.R->Gpr[Rdi] = 0x100;
        Assert.False(m.Interpret([0xF3, 0xAA], 32));
        Assert.Equal(GuestFault.Gp(), m.Interpreter.Fault);
        Assert.Equal(8ul, m.R->Gpr[Rcx]);
    }
}
