using Bulkhead.X86.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Translator.Tests.Interpret;

public sealed unsafe class FootprintIoTests
{
    private const ulong Device = 0xFEC0_0000;

    [Fact]
    public void RepInsw_RamTarget_OnePortReadAnElement()
    {
        using var m = new FootprintMachine();
        var io = new FootprintIo();
        m.Io = io;
        m.R->Gpr[1] = 3;
        m.R->Gpr[2] = 0x1F0;
        m.R->Gpr[7] = (ulong)m.Base + 0xFFF;
        Assert.True(m.Interpret(a => a.rep.insw()));
        Assert.Equal([("in", 0x1F0ul, 2, 1ul), ("in", 0x1F0ul, 2, 2ul), ("in", 0x1F0ul, 2, 3ul)], io.Log);
        Assert.Equal(new byte[] { 1, 1, 2, 2, 3, 3 }, m.Data.Slice(0xFFF, 6).ToArray());
        Assert.Equal(0ul, m.R->Gpr[1]);
    }

    [Fact]
    public void Ins_TargetMissing_FaultsBeforeThePort()
    {
        using var m = new FootprintMachine();
        var io = new FootprintIo();
        m.Io = io;
        m.Map((ulong)m.Base, 0, 0);
        m.R->Gpr[7] = (ulong)m.Base;
        Assert.False(m.Interpret(a => a.insb()));
        Assert.Empty(io.Log);
    }

    [Fact]
    public void Outs_UserWithoutIopl_GeneralProtection()
    {
        using var m = new FootprintMachine();
        var io = new FootprintIo();
        m.Io = io;
        m.R->Segments[(int)SegmentIndex.Ss].Access |= 3u << 5;
        m.R->Segments[(int)SegmentIndex.Tr].Access = 1u << 16;
        m.R->Gpr[6] = (ulong)m.Base;
        Assert.False(m.Interpret(a => a.outsb()));
        Assert.Equal(GuestFault.Gp(), m.Interpreter.Fault);
        Assert.Empty(io.Log);
    }

    [Fact]
    public void RepMovsd_ToDevice_OneWriteAnElement()
    {
        using var m = new FootprintMachine();
        var io = new FootprintIo();
        m.Io = io;
        m.Map(Device, Device, 7);
        m.Base[0] = 7;
        m.Base[4] = 8;
        m.R->Gpr[1] = 2;
        m.R->Gpr[6] = (ulong)m.Base;
        m.R->Gpr[7] = Device + 0x10;
        Assert.True(m.Interpret(a => a.rep.movsd()));
        Assert.Equal([("write", Device + 0x10, 4, 7ul), ("write", Device + 0x14, 4, 8ul)], io.Log);
    }

    [Fact]
    public void Bts_Device_ReadThenWrite()
    {
        using var m = new FootprintMachine();
        var io = new FootprintIo();
        m.Io = io;
        m.Map(Device, Device, 7);
        m.R->Gpr[3] = Device;
        m.R->Gpr[1] = 33;
        Assert.True(m.Interpret(a => a.bts(__dword_ptr[rbx], ecx)));
        Assert.Equal([("read", Device + 4, 4, 1ul), ("write", Device + 4, 4, 3ul)], io.Log);
    }
}
