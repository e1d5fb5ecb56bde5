using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;
using Bulkhead.Core.Memory;
using Bulkhead.Core.Time;
using Bulkhead.Host.Memory;
using Bulkhead.Translator.Interpret;
using Bulkhead.X86.Cpuid;
using Bulkhead.X86.Engine;
using Bulkhead.X86.Memory;
using Bulkhead.X86.State;
using Iced.Intel;
using Xunit;

namespace Bulkhead.Translator.Tests.Interpret;

/// <summary>A guest with Linux's GDT, an IDT and a TSS; RAM below 2 MiB is the kernel's, above it the user's.</summary>
internal sealed unsafe class SystemMachine : IDisposable, ITlbControl, IFpuState, ICpuIo, IInterruptController, IClock
{
    public const ulong Pml4 = 0x1000, PageTable = 0x4000, Gdt = 0x8000, Idt = 0x9000, Tss = 0xA000;
    public const ulong KernelStack = 0x1_0000, IstStack = 0x1_2000, KernelCode = 0x10_0000, UserCode = 0x20_0000, UserStack = 0x30_0000, Handler = 0x11_0000;
    public const ushort Code32 = 0x08, KernelCs = 0x10, KernelDs = 0x18, User32 = 0x23, UserDs = 0x2B, UserCs = 0x33, TssSelector = 0x40;

    private readonly PrivateMemory _state = new(8192);

    public SystemMachine(bool longMode = true)
    {
        Memory = new GuestMemory("system", 4 << 20);
        R = (Registers*)_state.Pointer;
        PowerUp.Reset(ref *R, 0);
        Write(Gdt + 0x08, 0x00CF_9B00_0000_FFFF);
        Write(Gdt + 0x10, longMode ? 0x00AF_9B00_0000_FFFFul : 0x00CF_9B00_0000_FFFFul);
        Write(Gdt + 0x18, 0x00CF_9300_0000_FFFF);
        Write(Gdt + 0x20, 0x00CF_FB00_0000_FFFF);
        Write(Gdt + 0x28, 0x00CF_F300_0000_FFFF);
        Write(Gdt + 0x30, 0x00AF_FB00_0000_FFFF);
        Write(Gdt + 0x40, 0x0000_8900_A000_2067);
        R->GdtBase = Gdt;
        R->GdtLimit = 0x7F;
        R->IdtBase = Idt;
        R->IdtLimit = 0xFFF;
        R->Cr0 = Cr0.PE | Cr0.NE | Cr0.ET;
        if (longMode)
        {
            Write(Pml4, 0x2000 | 7);
            Write(0x2000, 0x3000 | 7);
            Write(0x3000, PageTable | 7);
            Write(0x3008, 0x20_0000 | 0x87);
            for (ulong i = 0; i < 512; i++)
            {
                Write(PageTable + (8 * i), (i << 12) | 3);
            }

            R->Cr3 = Pml4;
            R->Cr0 |= Cr0.PG | Cr0.WP;
            R->Cr4 = Cr4.PAE;
            R->Efer = Efer.LME | Efer.Lma | Efer.NXE | Efer.SCE;
            Write(Tss + 4, KernelStack);
            Write(Tss + 0x24, IstStack);
        }
        else
        {
            Write(Tss + 4, KernelStack | ((ulong)KernelDs << 32));
        }

        Write(Tss + 0x64, 0xFFFF_0000); // no bit map
        R->Segments[(int)SegmentIndex.Tr] = new Segment { Selector = TssSelector, Base = Tss, Limit = 0x206F, Access = 0x8B };
        EnterKernel(longMode);
        Interpreter = new Interpreter(R, Memory, this, this, Exits, CpuidPolicy.Create(CpuModel.V2, 1, 0, 0, Vendor)) { Io = this };
    }

    public GuestMemory Memory { get; }

    public Registers* R { get; }

    public Interpreter Interpreter { get; }

    public ExitCounters Exits { get; } = new();

    public int Flushes { get; private set; }

    public ulong FlushedPage { get; private set; }

    public (ushort Port, byte[] Data) LastOut { get; private set; }

    public IInterruptController Interrupts => this;

    public IClock Clock => this;

    public bool HasPending => false;

    public byte TaskPriority { get; set; }

    public long NowNs => 0;

    public ulong GuestTsc { get; set; } = 1000;

    public ulong TscHz => 1_000_000_000;

    /// <summary>Puts the vCPU at CPL 0.</summary>
    public void EnterKernel(bool longMode = true)
    {
        R->Segments[(int)SegmentIndex.Cs] = new Segment { Selector = KernelCs, Limit = uint.MaxValue, Access = longMode ? 0xA09Bu : 0xC09Bu };
        R->Segments[(int)SegmentIndex.Ss] = new Segment { Selector = KernelDs, Limit = uint.MaxValue, Access = 0xC093 };
        R->Segments[(int)SegmentIndex.Ds] = R->Segments[(int)SegmentIndex.Es] = R->Segments[(int)SegmentIndex.Ss];
        R->Rip = KernelCode;
        R->Gpr[4] = KernelStack - 0x800;
    }

    /// <summary>Puts the vCPU at CPL 3.</summary>
    public void EnterUser(bool longMode = true)
    {
        R->Segments[(int)SegmentIndex.Cs] = new Segment
        {
            Selector = longMode ? UserCs : User32, Limit = uint.MaxValue, Access = longMode ? 0xA0FBu : 0xC0FBu,
        };
        R->Segments[(int)SegmentIndex.Ss] = new Segment { Selector = UserDs, Limit = uint.MaxValue, Access = 0xC0F3 };
        R->Rip = UserCode;
        R->Gpr[4] = UserStack;
        R->Rflags = Rflags.Fixed | Rflags.IF;
    }

    public void SetGate(byte vector, int dpl = 0, int ist = 0, bool trap = false, bool present = true, ushort selector = KernelCs)
    {
        ulong low = (Handler & 0xFFFF) | ((ulong)selector << 16) | ((ulong)ist << 32) | ((trap ? 15ul : 14ul) << 40)
            | ((ulong)dpl << 45) | (present ? 1ul << 47 : 0) | ((Handler >> 16) << 48);
        bool longMode = R->LongMode;
        Write(Idt + (vector * (longMode ? 16ul : 8ul)), low);
        if (longMode)
        {
            Write(Idt + (vector * 16ul) + 8, 0);
        }
    }

    /// <summary>Decodes and executes bytes at RIP.</summary>
    public InterpretResult Execute(params byte[] code)
    {
        Decoder decoder = Decoder.Create(R->CodeBits, code);
        decoder.IP = R->Rip;
        decoder.Decode(out Instruction instruction);
        Assert.False(instruction.IsInvalid);
        return Interpreter.Execute(in instruction, this);
    }

    public void Write(ulong address, ulong value) => Assert.True(Memory.TryWriteUInt64(new Gpa(address), value));

    public ulong Read(ulong address)
    {
        Assert.True(Memory.TryReadUInt64(new Gpa(address), out ulong value));
        return value;
    }

    public Segment Segment(SegmentIndex index) => R->Segments[(int)index];

    public bool TryFind(ulong address, Access access, out Gpa place)
    {
        place = default;
        return false;
    }

    public void Keep(ulong address, Access access, in Translation translation)
    {
    }

    public void FlushAll() => Flushes++;

    public void FlushLocal() => Flushes++;

    public void ChangeSpace(ulong from, ulong to, bool keeps) => Flushes++;

    public void ForgetSpace(ulong pcid)
    {
    }

    public void FlushPage(ulong address) => FlushedPage = address;

    public void SaveX87()
    {
    }

    public void LoadX87()
    {
    }

    public IoResult ReadMmio(Gpa address, Span<byte> data)
    {
        data.Fill(0xA5);
        return IoResult.Ok;
    }

    public IoResult WriteMmio(Gpa address, ReadOnlySpan<byte> data) => IoResult.Ok;

    public IoResult ReadPort(ushort port, Span<byte> data)
    {
        data.Fill((byte)port);
        return IoResult.Ok;
    }

    public IoResult WritePort(ushort port, ReadOnlySpan<byte> data)
    {
        LastOut = (port, data.ToArray());
        return IoResult.Ok;
    }

    public bool TryReadMsr(uint index, out ulong value)
    {
        value = 0xFEE0_0900;
        return index == 0x1B;
    }

    public bool TryWriteMsr(uint index, ulong value) => index == 0x1B;

    public bool TryAcknowledge(out byte vector)
    {
        vector = 0;
        return false;
    }

    public long WhenTsc(ulong guestTsc) => 0;

    public void Dispose()
    {
        Memory.Dispose();
        _state.Dispose();
    }

    private static CpuidResult Vendor(uint leaf, uint subleaf) => leaf == 0 ? new CpuidResult(0x10, 0x6874_7541, 0x444D_4163, 0x6974_6E65) : default;
}
