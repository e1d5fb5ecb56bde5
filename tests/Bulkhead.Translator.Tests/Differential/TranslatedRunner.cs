using System.Buffers.Binary;
using Bulkhead.Core.Memory;
using Bulkhead.Translator.Store;
using Bulkhead.X86.Cpuid;
using Bulkhead.X86.Engine;
using Bulkhead.X86.Instructions;
using Bulkhead.X86.State;

namespace Bulkhead.Translator.Tests.Differential;

/// <summary>Runs cases on the translator.</summary>
/// <remarks>
/// <para>A guest of its own: the arena for CPL 3; above it, for CPL 0, a descriptor table page, a stack, and an HLT for every
/// vector. The instruction is followed by INT 80h, so a case ends with HLT whatever happened, and RIP says what it was.</para>
/// <para>The creator disposes it. One thread.</para>
/// </remarks>
internal sealed unsafe class TranslatedRunner : ITranslatedRunner, IDisposable
{
    private const byte Finished = 0x80;
    private const ulong Handlers = 0x3000_0000;
    private const ulong Tables = 0x3000_2000;
    private const ulong Stack = 0x3000_4000;
    private const ushort UserCode = 0x33;
    private const ushort UserData = 0x2B;
    private const ushort KernelCode = 0x10;

    private readonly GuestMemory _memory = new("differential", 6 << 20);
    private readonly CpuidPolicy _policy = CpuidPolicy.Create(CpuModel.Host, 1, 0);
    private readonly TranslatorEngine _engine;
    private readonly IVcpu _vcpu;
    private readonly GuestIo _io = new();

    internal TranslatedRunner(EngineOptions? options = null, CodeStore? store = null)
    {
        _engine = new TranslatorEngine(_memory, _policy, options ?? EngineOptions.Default, store);
        _vcpu = _engine.CreateVcpu(_policy);
        BuildPageTables();
        BuildDescriptors();
    }

    internal TranslatorEngine Engine => _engine;

    /// <summary>Whether the guest may use what a row needs.</summary>
    internal bool Offers(in InstructionEntry entry) => _policy.Offers(entry.Feature);

    /// <inheritdoc/>
    public Result Run(Case value)
    {
        Write(Linear(Arena.Data), value.Memory.AsSpan(0, Arena.DataBytes));
        Write(Linear(Arena.ReadOnly), value.Memory.AsSpan(Arena.DataBytes));
        Span<byte> code = stackalloc byte[value.Bytes.Length + 2];
        value.Bytes.CopyTo(code);
        code[^2] = 0xCD;
        code[^1] = Finished;
        Write(Linear(Arena.Code), code);
        ref Registers r = ref _vcpu.Registers;
        SetSystemState(ref r);
        CpuState state = value.State;
        for (int i = 0; i < 16; i++)
        {
            r.Gpr[i] = state.Gpr[i];
        }

        r.Rip = Arena.Code;
        r.Rflags = (state.Rflags & CpuState.FlagsMask) | Rflags.Fixed | Rflags.IF;
        r.Mxcsr = (uint)state.Mxcsr;
        new ReadOnlySpan<byte>(state.Ymm, 512).CopyTo(r.Ymm);
        fixed (byte* x87 = r.X87)
        {
            new ReadOnlySpan<byte>(state.X87, 512).CopyTo(new Span<byte>(x87, 512));
        }

        StopReason stop;
        do
        {
            stop = _vcpu.Run(_io, long.MaxValue);
        }
        while (stop == StopReason.Spin); // where instructions are counted, each 256th PAUSE of all cases
        if (stop != StopReason.Halt || r.Rip - 1 - Handlers >= 0x1000)
        {
            throw new InvalidOperationException($"{stop} {_vcpu.StopDetail} at {r.Rip:X}: {value}");
        }

        return Collect(ref r);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _engine.Dispose();
        _memory.Dispose();
    }

    private Result Collect(ref Registers r)
    {
        int vector = (int)((r.Rip - 1 - Handlers) / 16);
        ulong frame = r.Gpr[4];
        bool hasCode = vector is 8 or (>= 10 and <= 14) or 17;
        ulong errorCode = hasCode ? Read(frame) : 0;
        frame += hasCode ? 8ul : 0;
        var state = default(CpuState);
        for (int i = 0; i < 16; i++)
        {
            state.Gpr[i] = r.Gpr[i];
        }

        state.Gpr[4] = Read(frame + 24);
        state.Rflags = Read(frame + 16);
        state.Mxcsr = r.Mxcsr;
        ((ReadOnlySpan<byte>)r.Ymm).CopyTo(new Span<byte>(state.Ymm, 512));
        fixed (byte* x87 = r.X87)
        {
            new ReadOnlySpan<byte>(x87, 512).CopyTo(new Span<byte>(state.X87, 512));
        }

        byte[] memory = new byte[Arena.MemoryBytes];
        _ = _memory.TryRead(new Gpa(Linear(Arena.Data)), memory.AsSpan(0, Arena.DataBytes));
        _ = _memory.TryRead(new Gpa(Linear(Arena.ReadOnly)), memory.AsSpan(Arena.DataBytes));
        bool pageFault = vector == 14;
        int at = (int)(Read(frame) - Arena.Code) - (vector == Finished ? 2 : 0);
        return new Result(state, memory, vector == Finished ? -1 : vector, at, pageFault ? (uint)errorCode : 0, pageFault ? r.Cr2 : 0);
    }

    private static void SetSystemState(ref Registers r)
    {
        r.Cr0 = Cr0.PE | Cr0.MP | Cr0.ET | Cr0.NE | Cr0.WP | Cr0.PG;
        r.Cr3 = 0x1000;
        r.Cr4 = Cr4.PAE | Cr4.OSFXSR | Cr4.OSXMMEXCPT | Cr4.OSXSAVE | Cr4.FSGSBASE;
        r.Efer = Efer.SCE | Efer.LME | Efer.Lma | Efer.NXE;
        r.Xcr0 = 7;
        r.Activity = (byte)ActivityState.Active;
        r.InterruptShadow = 0;
        r.GdtBase = Tables;
        r.GdtLimit = 0x7F;
        r.IdtBase = Tables + 0x1000;
        r.IdtLimit = 0xFFF;
        r.Segments[(int)SegmentIndex.Cs] = new Segment { Selector = UserCode, Limit = uint.MaxValue, Access = 0xA0FB };
        var data = new Segment { Selector = UserData, Limit = uint.MaxValue, Access = 0xC0F3 };
        foreach (SegmentIndex index in (ReadOnlySpan<SegmentIndex>)[SegmentIndex.Ss, SegmentIndex.Ds, SegmentIndex.Es, SegmentIndex.Fs, SegmentIndex.Gs])
        {
            r.Segments[(int)index] = data;
        }

        r.Segments[(int)SegmentIndex.Tr] = new Segment { Selector = 0x40, Base = Tables + 0x800, Limit = 0x67, Access = 0x8B };
    }

    /// <summary>Where the arena and the supervisor's pages lie in the guest's RAM.</summary>
    private static ulong Linear(ulong address) => (address >= Handlers ? 0x40_0000ul : 0x20_0000ul) + (address & 0x1F_FFFF);

    private void BuildPageTables()
    {
        WriteWord(0x1000, 0x2000 | 7);
        WriteWord(0x2000, 0x3000 | 7);
        WriteWord(0x3000 + (8 * (Arena.Data >> 21)), 0x4000 | 7);
        WriteWord(0x3000 + (8 * (Handlers >> 21)), 0x5000 | 3);
        for (ulong at = 0; at < Arena.DataBytes; at += 0x1000)
        {
            MapPage(0x4000, Arena.Data + at, 7);
        }

        MapPage(0x4000, Arena.ReadOnly, 5);
        MapPage(0x4000, Arena.Code, 7);
        for (ulong at = 0; at < 0x5000; at += 0x1000)
        {
            MapPage(0x5000, Handlers + at, 3);
        }
    }

    private void MapPage(ulong table, ulong address, ulong bits) =>
        WriteWord(table + (8 * ((address >> 12) & 511)), Linear(address) | bits);

    private void BuildDescriptors()
    {
        ulong gdt = Linear(Tables), idt = Linear(Tables + 0x1000);
        WriteWord(gdt + 0x10, 0x00AF_9B00_0000_FFFF);
        WriteWord(gdt + 0x18, 0x00CF_9300_0000_FFFF);
        WriteWord(gdt + 0x28, 0x00CF_F300_0000_FFFF);
        WriteWord(gdt + 0x30, 0x00AF_FB00_0000_FFFF);
        WriteWord(gdt + 0x800 + 4, Stack + 0x1000);
        for (ulong vector = 0; vector < 256; vector++)
        {
            ulong handler = Handlers + (16 * vector);
            WriteWord(idt + (16 * vector), (handler & 0xFFFF) | ((ulong)KernelCode << 16) | (0xEEul << 40) | (handler >> 16 << 48));
            WriteWord(idt + (16 * vector) + 8, handler >> 32);
            Write(Linear(handler), [0xF4]);
        }
    }

    private ulong Read(ulong address)
    {
        _ = _memory.TryReadUInt64(new Gpa(Linear(address)), out ulong value);
        return value;
    }

    private void WriteWord(ulong physical, ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        Write(physical, bytes);
    }

    private void Write(ulong physical, ReadOnlySpan<byte> bytes)
    {
        if (!_memory.TryWrite(new Gpa(physical), bytes))
        {
            throw new InvalidOperationException($"{physical:X} is not RAM.");
        }
    }
}
