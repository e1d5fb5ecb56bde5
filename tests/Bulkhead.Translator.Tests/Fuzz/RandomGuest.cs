using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Bulkhead.Core.Memory;
using Bulkhead.Translator.Tests.Differential;
using Bulkhead.X86.Cpuid;
using Bulkhead.X86.Engine;
using Bulkhead.X86.State;

namespace Bulkhead.Translator.Tests.Fuzz;

/// <summary>A guest whose code, tables and registers are random, in every mode, on one or more vCPUs.</summary>
/// <remarks>
/// <para>RAM: page tables and descriptors in the first pages, then data, then code; identity-mapped with random rights; beyond
/// RAM are devices that nobody answers for. Exceptions and interrupts go to random code as well, so a run ends with
/// a triple fault, a halt, something the engine does not offer, or the end of its turn: each is an architectural answer.</para>
/// <para>The creator disposes it. One thread calls; it makes the others.</para>
/// </remarks>
internal sealed unsafe class RandomGuest : IDisposable
{
    private const ulong RamBytes = 8 << 20;
    private const ulong PageTable = 0x4000;
    private const ulong Gdt = 0x1_0000;
    private const ulong Idt = 0x1_1000;
    private const ulong Tss = 0x1_2000;
    private const ulong Code = 0x10_0000;
    private const int CodeBytes = 0x4_0000;

    private readonly Random _random;
    private readonly GuestMemory _memory = new("random", RamBytes);
    private readonly TranslatorEngine _engine;
    private readonly IVcpu[] _vcpus;
    private readonly GuestIo _io = new();
    private readonly byte[][] _snippets;

    internal RandomGuest(int seed, int vcpus, EngineOptions options)
    {
        _random = new Random(seed);
        CpuidPolicy policy = CpuidPolicy.Create(CpuModel.Host, vcpus, 0);
        _engine = new TranslatorEngine(_memory, policy, options);
        _vcpus = [.. Enumerable.Range(0, vcpus).Select(i => _engine.CreateVcpu(CpuidPolicy.Create(CpuModel.Host, vcpus, i)))];
        _snippets = [.. CaseRows.All.Select(code => CaseGenerator.Create(seed, code).Bytes)];
    }

    /// <summary>How runs ended.</summary>
    internal Dictionary<StopReason, int> Stops { get; } = [];

    /// <summary>New memory, then a number of runs of all vCPUs at once, each ended after about a millisecond.</summary>
    internal void Round(int runs)
    {
        FillMemory();
        for (int i = 0; i < runs; i++)
        {
            foreach (IVcpu vcpu in _vcpus)
            {
                FillRegisters(ref vcpu.Registers);
            }

            StopReason[] stops = new StopReason[_vcpus.Length];
            using (new TurnEnder(1, _vcpus))
            {
                Parallel.For(0, _vcpus.Length, new ParallelOptions { MaxDegreeOfParallelism = _vcpus.Length }, n => stops[n] = _vcpus[n].Run(_io, long.MaxValue));
            }

            for (int n = 0; n < stops.Length; n++)
            {
                Stops[stops[n]] = Stops.GetValueOrDefault(stops[n]) + 1;
                if (stops[n] == StopReason.EngineError)
                {
                    throw new InvalidOperationException($"run {i}: {_vcpus[n].StopDetail}");
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _engine.Dispose();
        _memory.Dispose();
    }

    private void FillMemory()
    {
        byte[] code = new byte[CodeBytes];
        int style = _random.Next(3);
        int at = 0;
        while (at < CodeBytes - 32)
        {
            Span<byte> here = code.AsSpan(at);
            switch (style == 0 ? 0 : _random.Next(style == 1 ? 4 : 8))
            {
                case 0:
                    _random.NextBytes(here[..8]);
                    at += 8;
                    break;
                case 1:
                    // mov r64, imm32 inside RAM
                    here[0] = 0x48;
                    here[1] = 0xC7;
                    here[2] = (byte)(0xC0 | _random.Next(8));
                    BinaryPrimitives.WriteInt32LittleEndian(here[3..], _random.Next((int)RamBytes));
                    at += 7;
                    break;
                case 2:
                    // a branch nearby: jcc, call, jmp
                    here[0] = _random.Next(3) switch { 0 => (byte)(0x70 | _random.Next(16)), 1 => 0xEB, _ => 0xE8 };
                    int offset = _random.Next(-0x400, 0x400);
                    if (here[0] == 0xE8)
                    {
                        BinaryPrimitives.WriteInt32LittleEndian(here[1..], offset);
                        at += 5;
                    }
                    else
                    {
                        here[1] = (byte)offset;
                        at += 2;
                    }

                    break;
                default:
                    byte[] snippet = _snippets[_random.Next(_snippets.Length)];
                    snippet.CopyTo(here);
                    at += snippet.Length;
                    break;
            }
        }

        Write(Code, code);
        byte[] data = new byte[0x2_0000];
        _random.NextBytes(data);
        Write(0x8_0000, data);
        WriteWord(0x1000, 0x2000 | 7);
        WriteWord(0x2000, 0x3000 | 7);
        for (ulong i = 0; i < 6; i++)
        {
            WriteWord(0x3000 + (8 * i), i < 4 ? (PageTable + (i << 12)) | 7 : (i << 21) | 0x87);
        }

        for (ulong page = 0; page < RamBytes >> 12; page++)
        {
            ulong rights = _random.Next(12) switch { 0 => 5, 1 => 3, 2 => 1, 3 => 0, 4 => 0x8000_0000_0000_0007, _ => 7 };
            WriteWord(PageTable + (8 * page), (page << 12) | rights);
        }

        FillDescriptors();
    }

    private void FillDescriptors()
    {
        ulong[] gdt =
        [
            0, 0x00CF_9B00_0000_FFFF, 0x00AF_9B00_0000_FFFF, 0x00CF_9300_0000_FFFF, 0x00CF_FB00_0000_FFFF, 0x00CF_F300_0000_FFFF,
            0x00AF_FB00_0000_FFFF, 0x0000_9B00_0000_FFFF, 0x0000_8900_0000_0067 | (Tss << 16), 0,
        ];
        for (int i = 0; i < gdt.Length; i++)
        {
            WriteWord(Gdt + (ulong)(8 * i), gdt[i]);
        }

        for (ulong i = 0; i < 13; i++)
        {
            WriteWord(Tss + 4 + (8 * i), 0x8_0000 + (ulong)_random.Next(0x2_0000));
        }

        for (ulong vector = 0; vector < 256; vector++)
        {
            ulong target = RandomCode();
            ulong type = _random.Next(40) == 0 ? (ulong)_random.Next(256) : 0xEE;
            WriteWord(Idt + (16 * vector), (target & 0xFFFF) | (0x10ul << 16) | ((ulong)_random.Next(3) << 32) | (type << 40) | (target >> 16 << 48));
            WriteWord(Idt + (16 * vector) + 8, 0);
        }

        // Page tables, descriptors and code are where the rights above say; the tables themselves must be reachable.
        WriteWord(PageTable + (8 * (Gdt >> 12)), Gdt | 3);
        WriteWord(PageTable + (8 * (Idt >> 12)), Idt | 3);
        WriteWord(PageTable + (8 * (Tss >> 12)), Tss | 3);
    }

    private void FillRegisters(ref Registers r)
    {
        for (int i = 0; i < 16; i++)
        {
            r.Gpr[i] = _random.Next(4) switch
            {
                0 => Values.Integer(_random),
                1 => Code + (ulong)_random.Next(CodeBytes),
                _ => (ulong)_random.Next((int)RamBytes + 0x1_0000),
            };
        }

        r.Gpr[4] = 0x8_0000 + (ulong)(_random.Next(0x2_0000) & ~7);
        r.Rip = RandomCode();
        r.Rflags = Rflags.Fixed | ((ulong)_random.Next() & 0xED5) | (_random.Next(10) == 0 ? Rflags.TF : 0);
        r.Mxcsr = 0x1F80;
        r.Activity = (byte)ActivityState.Active;
        r.InterruptShadow = 0;
        r.NmiBlocked = 0;
        _random.NextBytes(r.Ymm);
        r.GdtBase = Gdt;
        r.GdtLimit = 0x4F;
        r.IdtBase = Idt;
        r.IdtLimit = 0xFFF;
        r.Cr3 = 0x1000;
        r.Cr4 = Cr4.PAE | Cr4.OSFXSR | Cr4.OSXMMEXCPT | Cr4.OSXSAVE | Cr4.FSGSBASE | (_random.Next(4) == 0 ? Cr4.SMEP : 0) | (_random.Next(4) == 0 ? Cr4.SMAP : 0);
        r.Xcr0 = 7;
        int mode = _random.Next(8);
        bool user = _random.Next(2) == 0;
        bool longMode = mode < 6;
        r.Cr0 = Cr0.ET | Cr0.NE | (mode == 7 ? 0 : Cr0.PE) | (longMode ? Cr0.PG : 0) | (_random.Next(2) == 0 ? Cr0.WP : 0) | (_random.Next(10) == 0 ? Cr0.TS : 0);
        r.Efer = longMode ? Efer.SCE | Efer.LME | Efer.Lma | Efer.NXE : 0;
        r.Lstar = RandomCode();
        r.Star = 0x0023_0010_0000_0000;
        r.Segments[(int)SegmentIndex.Tr] = new Segment { Selector = 0x40, Base = Tss, Limit = 0x67, Access = 0x8B };
        uint level = user && mode < 7 ? 0x60u : 0;
        uint wide = mode switch { < 5 => 0xA000, < 7 => 0xC000, _ => 0 };
        uint limit = mode == 7 ? 0xFFFFu : uint.MaxValue;
        r.Segments[(int)SegmentIndex.Cs] = new Segment { Selector = (ushort)(user ? 0x33 : 0x10), Limit = limit, Access = wide | 0x9B | level };
        var data = new Segment { Selector = (ushort)(user ? 0x2B : 0x18), Limit = limit, Access = (mode == 7 ? 0u : 0xC000) | 0x93 | level };
        for (int i = 0; i < 6; i++)
        {
            if (i != (int)SegmentIndex.Cs)
            {
                r.Segments[i] = data;
            }
        }

        if (mode == 7)
        {
            // Real mode: code in the first 64 KiB of a segment that lies in the code.
            r.Segments[(int)SegmentIndex.Cs].Base = Code;
            r.Rip = (ulong)_random.Next(0x1_0000);
            r.Gpr[4] &= 0xFFFF;
        }
    }

    private ulong RandomCode() => Code + (ulong)_random.Next(CodeBytes);

    private void Write(ulong physical, ReadOnlySpan<byte> bytes) => Trace.Assert(_memory.TryWrite(new Gpa(physical), bytes));

    private void WriteWord(ulong physical, ulong value) => Write(physical, MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in value)));
}
