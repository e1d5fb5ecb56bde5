using Bulkhead.Core.Memory;
using Bulkhead.Host.Memory;
using Bulkhead.Translator.Interpret;
using Bulkhead.X86.Cpuid;
using Bulkhead.X86.Engine;
using Bulkhead.X86.Memory;
using Bulkhead.X86.State;
using Iced.Intel;
using Xunit;

namespace Bulkhead.Translator.Tests.Interpret;

/// <summary>A guest in 64-bit mode whose data pages lie at the linear addresses the host has them at, so both can run the same instruction.</summary>
internal sealed unsafe class FootprintMachine : IDisposable, ITlbControl, IFpuState, IMemoryObserver
{
    public const int DataGpa = 0x10_0000;
    public const int DataSize = 0x1_0000;
    private const ulong Present = 0x67, Rip = 0x40_0000; // accessed and dirty: setting them is a write too

    private readonly PrivateMemory _state = new(8192);
    private readonly FootprintNative _native = new();
    private ulong _tableTop = 0x1000;

    public FootprintMachine()
    {
        Memory = new GuestMemory("footprint", 4 << 20);
        Memory.Observe(this);
        R = (Registers*)_state.Pointer;
        R->Rip = Rip;
        R->Rflags = Rflags.Fixed | Rflags.IF;
        R->Cr0 = Cr0.PE | Cr0.PG | Cr0.WP | Cr0.NE | Cr0.ET;
        R->Cr4 = Cr4.PAE | Cr4.OSFXSR | Cr4.OSXSAVE;
        R->Efer = Efer.LME | Efer.Lma;
        R->Xcr0 = 7;
        R->Cr3 = 0x1000;
        R->Mxcsr = 0x1F80;
        *(ushort*)R->X87 = 0x37F;
        for (int i = 0; i < 6; i++)
        {
            R->Segments[i] = new Segment { Limit = uint.MaxValue, Access = i == (int)SegmentIndex.Cs ? 0xA09Bu : 0xC093u };
        }

        Base = Memory.HostPointer(new Gpa(DataGpa), DataSize);
        for (int page = 0; page < DataSize; page += 4096)
        {
            Map((ulong)Base + (ulong)page, DataGpa + (ulong)page, Present);
        }

        Interpreter = new Interpreter(R, Memory, this, this, new ExitCounters(), CpuidPolicy.Create(CpuModel.Default, 1, 0));
    }

    public GuestMemory Memory { get; }

    public Registers* R { get; }

    /// <summary>The first data byte: its host and linear address.</summary>
    public byte* Base { get; }

    public Interpreter Interpreter { get; }

    public Span<byte> Data => new(Base, DataSize);

    public ulong WrittenBytes { get; set; }

    /// <summary>Maps a linear page; 0 as flags unmaps it.</summary>
    public void Map(ulong linear, ulong gpa, ulong flags)
    {
        ulong table = R->Cr3;
        for (int shift = 39; shift > 12; shift -= 9)
        {
            ulong entry = table + (((linear >> shift) & 511) * 8);
            Assert.True(Memory.TryReadUInt64(new Gpa(entry), out ulong next));
            if (next == 0)
            {
                _tableTop += 0x1000;
                next = _tableTop | Present;
                Assert.True(Memory.TryWriteUInt64(new Gpa(entry), next));
            }

            table = next & ~0xFFFul;
        }

        Assert.True(Memory.TryWriteUInt64(new Gpa(table + (((linear >> 12) & 511) * 8)), flags == 0 ? 0 : gpa | flags));
    }

    /// <summary>Interprets one instruction to its end (repeated calls for strings); false when it faults.</summary>
    public bool Interpret(Action<Assembler> emit, int maxCalls = int.MaxValue)
    {
        var a = new Assembler(64);
        emit(a);
        using var stream = new MemoryStream();
        a.Assemble(new StreamCodeWriter(stream), R->Rip);
        return Interpret(stream.ToArray(), 64, maxCalls);
    }

    public bool Interpret(byte[] code, int bits, int maxCalls = int.MaxValue)
    {
        ulong start = R->Rip;
        var decoder = Decoder.Create(bits, new ByteArrayCodeReader(code), start);
        decoder.Decode(out Instruction instruction);
        Assert.False(instruction.IsInvalid);
        for (int calls = 0; calls < maxCalls; calls++)
        {
            InterpretResult result = Interpreter.Execute(in instruction, Io!);
            if (result == InterpretResult.Fault)
            {
                return false;
            }

            Assert.Equal(InterpretResult.Done, result);
            if (R->Rip != start)
            {
                Assert.Equal(instruction.NextIP, R->Rip);
                return true;
            }
        }

        return true;
    }

    public ICpuIo? Io { get; set; }

    /// <summary>Runs the instruction on the host and in the interpreter from the same state and demands the same outcome.</summary>
    public void AssertSameAsHost(Action<Assembler> emit, ulong definedFlags = Rflags.Status, int ignoredByte = 0)
    {
        byte[] before = Data.ToArray();
        Registers start = *R;
        _native.Run(R, emit);
        Registers expected = *R;
        byte[] expectedData = Data.ToArray();

        *R = start;
        before.CopyTo(Data);
        Assert.True(Interpret(emit), $"fault {Interpreter.Fault}");
        for (int i = 0; i < 16; i++)
        {
            Assert.True(expected.Gpr[i] == R->Gpr[i], $"register {i}: host {expected.Gpr[i]:x}, ours {R->Gpr[i]:x}, start {start.Gpr[i]:x}");
        }

        Assert.Equal(expected.Rflags & definedFlags, R->Rflags & definedFlags);
        expectedData[ignoredByte] = Base[ignoredByte];
        int different = expectedData.AsSpan().CommonPrefixLength(Data);
        Assert.True(different == DataSize, different == DataSize ? "" : $"byte {different:x}: host {expectedData[different]:x}, ours {Base[different]:x}, before {before[different]:x}");
        Assert.Equal(new ReadOnlySpan<byte>(&expected.Ymm, 512), new ReadOnlySpan<byte>(&R->Ymm, 512));
        Assert.Equal(expected.Mxcsr, R->Mxcsr);
        Assert.Equal(new ReadOnlySpan<byte>(expected.X87, 6), new ReadOnlySpan<byte>(R->X87, 6));
        for (int i = 0; i < 8; i++)
        {
            Assert.Equal(new ReadOnlySpan<byte>(expected.X87 + 32 + (i * 16), 10), new ReadOnlySpan<byte>(R->X87 + 32 + (i * 16), 10));
        }
    }

    /// <summary>Random data, general registers and vectors (not RSP).</summary>
    public void Randomize(Random random)
    {
        random.NextBytes(Data);
        random.NextBytes(new Span<byte>(&R->Ymm, 512));
        for (int i = 0; i < 16; i++)
        {
            R->Gpr[i] = (ulong)random.NextInt64();
        }

        R->Gpr[4] = (ulong)Base + 0xF000;
        R->Rip = Rip;
        R->Rflags = Rflags.Fixed | Rflags.IF | ((ulong)random.Next() & Rflags.Status);
    }

    /// <summary>A few values on the x87 stack, TOP and status anywhere.</summary>
    public void RandomizeX87(Random random)
    {
        random.NextBytes(new Span<byte>(R->X87 + 32, 128));
        *(ushort*)R->X87 = (ushort)(0x37F | (random.Next(4) << 10));
        *(ushort*)(R->X87 + 2) = (ushort)(random.Next(65536) & 0x7F7F);
        R->X87[4] = (byte)random.Next(256);
        for (int i = 0; i < 8; i++)
        {
            byte* p = R->X87 + 32 + (i * 16);
            *(ulong*)(p + 8) &= 0xFFFF;
            if (random.Next(4) == 0)
            {
                *(ulong*)(p + 8) &= 0x8000;
                *(ulong*)p = random.Next(2) == 0 ? 0 : *(ulong*)p;
            }
        }
    }

    public bool TryFind(ulong address, Access access, out Gpa place)
    {
        place = default;
        return false;
    }

    public void Keep(ulong address, Access access, in Translation translation)
    {
    }

    public void FlushAll()
    {
    }

    public void FlushLocal()
    {
    }

    public void ChangeSpace(ulong from, ulong to, bool keeps)
    {
    }

    public void ForgetSpace(ulong pcid)
    {
    }

    public void FlushPage(ulong address)
    {
    }

    public void SaveX87()
    {
    }

    public void LoadX87()
    {
    }

    public void OnWritten(Gpa address, ulong length) => WrittenBytes += length;

    public void OnMoved()
    {
    }

    public void Dispose()
    {
        _native.Dispose();
        Memory.Dispose();
        _state.Dispose();
    }
}
