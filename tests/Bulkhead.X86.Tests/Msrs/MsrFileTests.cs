using Bulkhead.X86.Cpuid;
using Bulkhead.X86.Msrs;
using Bulkhead.X86.State;
using CsCheck;
using Xunit;

namespace Bulkhead.X86.Tests.Msrs;

public sealed class MsrFileTests
{
    private static readonly Func<uint, uint, CpuidResult> s_amd = (leaf, _) =>
        leaf == 0 ? new CpuidResult(0x10, 0x6874_7541, 0x444D_4163, 0x6974_6E65) : default;

    private readonly MsrFile _file = new(CpuidPolicy.Create(CpuModel.V2, 1, 0, 0, s_amd));

    [Theory]
    [InlineData(Msr.Lstar)]
    [InlineData(Msr.Cstar)]
    [InlineData(Msr.FsBase)]
    [InlineData(Msr.GsBase)]
    [InlineData(Msr.KernelGsBase)]
    [InlineData(Msr.SysenterEsp)]
    [InlineData(Msr.SysenterEip)]
    public void TryWrite_Address_IsRefusedUnlessCanonical(uint index) =>
        Gen.ULong.Sample(value =>
        {
            Registers r = default;
            bool canonical = value >> 47 is 0 or 0x1FFFF;

            MsrOutcome outcome = _file.TryWrite(ref r, index, value, 0);

            Assert.Equal(canonical ? MsrOutcome.Done : MsrOutcome.Refused, outcome);
            Assert.True(_file.TryRead(in r, index, 0, out ulong read));
            Assert.Equal(canonical ? value : 0, read);
        }, iter: 200, threads: 1);

    [Fact]
    public void TryWrite_Efer_ChecksReservedBitsAndLmeUnderPaging()
    {
        Registers r = default;

        Assert.Equal(MsrOutcome.Refused, _file.TryWrite(ref r, Msr.Efer, 1 << 12, 0));
        Assert.Equal(MsrOutcome.DoneFlush, _file.TryWrite(ref r, Msr.Efer, Efer.SCE | Efer.LME | Efer.NXE | Efer.Lma, 0));
        Assert.Equal(Efer.SCE | Efer.LME | Efer.NXE, r.Efer);
        r.Cr0 = Cr0.PG | Cr0.PE;
        r.Efer |= Efer.Lma;
        Assert.Equal(MsrOutcome.Refused, _file.TryWrite(ref r, Msr.Efer, Efer.SCE | Efer.NXE, 0));
        Assert.Equal(MsrOutcome.Done, _file.TryWrite(ref r, Msr.Efer, Efer.SCE | Efer.LME | Efer.NXE | CpuidPolicy.AutomaticIbrs, 0));
        Assert.NotEqual(0ul, r.Efer & Efer.Lma);
    }

    [Fact]
    public void TryWrite_Tsc_MovesAdjustAndOffsetTogether()
    {
        Registers r = default;
        r.TscOffset = 1000;

        Assert.Equal(MsrOutcome.Done, _file.TryWrite(ref r, Msr.Tsc, 500, 700));
        Assert.Equal((ulong.MaxValue - 199, 800ul), (r.TscAdjust, r.TscOffset));
        Assert.Equal(MsrOutcome.Done, _file.TryWrite(ref r, Msr.TscAdjust, 0, 500));
        Assert.Equal((0ul, 1000ul), (r.TscAdjust, r.TscOffset));
    }

    [Fact]
    public void TryWrite_DebugCtl_KeepsNoBtf()
    {
        Registers r = default;

        Assert.Equal(MsrOutcome.Done, _file.TryWrite(ref r, Msr.DebugCtl, 3, 0));
        Assert.True(_file.TryRead(in r, Msr.DebugCtl, 0, out ulong value));
        Assert.Equal(1ul, value);
    }

    [Theory]
    [InlineData(0x0007_0406_0007_0406, true)]
    [InlineData(0x0007_0406_0007_0402, false)]
    [InlineData(0x0307_0406_0007_0406, false)]
    [InlineData(0x0007_0500_0407_0106, true)]
    public void TryWrite_Pat_ChecksMemoryTypes(long value, bool valid)
    {
        Registers r = default;

        Assert.Equal(valid ? MsrOutcome.Done : MsrOutcome.Refused, _file.TryWrite(ref r, Msr.Pat, (ulong)value, 0));
    }

    [Fact]
    public void TryRead_UnknownOrDevice_IsLeftToTheCaller()
    {
        Registers r = default;

        Assert.False(_file.TryRead(in r, Msr.ApicBase, 0, out _));
        Assert.False(_file.TryRead(in r, 0xC001_0000, 0, out _));
        Assert.Equal(MsrOutcome.Unknown, _file.TryWrite(ref r, Msr.TscDeadline, 1, 0));
        Assert.Equal(MsrOutcome.Refused, _file.TryWrite(ref r, Msr.ArchCapabilities, 0, 0));
    }

    [Fact]
    public void TryRead_Hwcr_SaysTscCountsAtP0()
    {
        Registers r = default;

        Assert.True(_file.TryRead(in r, Msr.Hwcr, 0, out ulong value));

        Assert.Equal(1ul << 24, value);
    }
}
