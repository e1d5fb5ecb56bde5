using Bulkhead.Core.Memory;
using Bulkhead.X86.State;
using Xunit;

namespace Bulkhead.Guests.Tests.Harness;

/// <content>Descriptor tables and the states a guest begins in.</content>
internal sealed partial class Guest
{
    private const uint LongCode = 0xA09B, FlatCode = 0xC09B, FlatData = 0xC093;

    private static readonly Lazy<(ulong Address, byte[] Code)[]> s_handlers = new(static () =>
    [
        (Layout.Handler, Bytes(64, Layout.Handler, Handlers.Long)),
        (Layout.Handler32, Bytes(32, Layout.Handler32, Handlers.Protected)),
        .. Stubs(64, Layout.Stubs, Layout.Handler),
        .. Stubs(32, Layout.Stubs32, Layout.Handler32),
    ]);

    /// <summary>Sets a descriptor of the GDT.</summary>
    public void Descriptor(int selector, ulong value) => Write(Layout.Gdt + (ulong)(selector & ~7), value);

    /// <summary>Sets a gate of the 64-bit IDT.</summary>
    public void Gate(int vector, ulong target, int ist = 0, int dpl = 0, bool trap = false, bool present = true, ushort selector = Layout.KernelCs)
    {
        ulong at = Layout.Idt + ((ulong)vector * 16);
        Write(at, Gate32(target, dpl, trap, present, selector) | ((ulong)ist << 32));
        Write(at + 8, target >> 32);
    }

    /// <summary>Long mode at CPL 0, with AVX on.</summary>
    public void EnterLong(int vcpu, ulong rip)
    {
        ref Registers r = ref Enter(vcpu, rip, LongCode, Layout.KernelCs);
        r.IdtBase = Layout.Idt;
        r.Cr3 = Pages.Root;
        r.Cr0 |= Cr0.PG;
        r.Cr4 = Cr4.PAE | Cr4.PGE | Cr4.OSFXSR | Cr4.OSXMMEXCPT | Cr4.OSXSAVE | Cr4.FSGSBASE;
        r.Xcr0 = 7;
        r.Efer = Efer.LME | Efer.Lma | Efer.NXE | Efer.SCE;
    }

    /// <summary>Protected mode at CPL 0, flat, without paging.</summary>
    public void EnterProtected(int vcpu, ulong rip)
    {
        ref Registers r = ref Enter(vcpu, rip, FlatCode, Layout.Code32Cs);
        r.IdtBase = Layout.Idt32;
        r.IdtLimit = 0x7FF;
        r.Cr4 = Cr4.OSFXSR | Cr4.OSXMMEXCPT;
    }

    /// <summary>Real mode with CS, SS and DS zero.</summary>
    public unsafe void EnterReal(int vcpu, ulong rip)
    {
        ref Registers r = ref Cpu(vcpu);
        for (int i = 0; i <= (int)SegmentIndex.Gs; i++)
        {
            r.Segments[i] = new Segment { Limit = 0xFFFF, Access = 0x93 };
        }

        r.Segments[(int)SegmentIndex.Cs].Access = 0x9B;
        r.Rip = rip;
        r.Gpr[4] = 0x7000;
        r.IdtLimit = 0x3FF;
        r.Activity = (byte)ActivityState.Active;
    }

    private static ulong Gate32(ulong target, int dpl, bool trap, bool present, ushort selector) =>
        (target & 0xFFFF) | ((ulong)selector << 16) | ((trap ? 15ul : 14ul) << 40) | ((ulong)dpl << 45)
        | (present ? 1ul << 47 : 0) | (((target >> 16) & 0xFFFF) << 48);

    private static IEnumerable<(ulong Address, byte[] Code)> Stubs(int bits, ulong address, ulong handler) =>
        Enumerable.Range(0, 256).Select(vector =>
        {
            ulong at = address + ((ulong)vector * 16);
            return (at, Bytes(bits, at, a => Handlers.Stub(a, vector, handler)));
        });

    private unsafe ref Registers Enter(int vcpu, ulong rip, uint access, ushort cs)
    {
        ref Registers r = ref Cpu(vcpu);
        r.Segments[(int)SegmentIndex.Cs] = new Segment { Selector = cs, Limit = uint.MaxValue, Access = access };
        foreach (SegmentIndex s in (ReadOnlySpan<SegmentIndex>)[SegmentIndex.Es, SegmentIndex.Ss, SegmentIndex.Ds, SegmentIndex.Fs, SegmentIndex.Gs])
        {
            r.Segments[(int)s] = new Segment { Selector = Layout.KernelDs, Limit = uint.MaxValue, Access = FlatData };
        }

        r.Segments[(int)SegmentIndex.Tr] = new Segment
        {
            Selector = (ushort)(Layout.TssSelector + (16 * vcpu)), Base = Layout.Tss + (256 * (ulong)vcpu), Limit = 0x67, Access = 0x8B,
        };
        r.GdtBase = Layout.Gdt;
        r.GdtLimit = 0xFFF;
        r.IdtLimit = 0xFFF;
        r.Cr0 = Cr0.PE | Cr0.MP | Cr0.ET | Cr0.NE | Cr0.WP;
        r.Rip = rip;
        r.Gpr[4] = Layout.StackOf(vcpu);
        r.Activity = (byte)ActivityState.Active;
        return ref r;
    }

    private void WriteTables(int vcpus)
    {
        Descriptor(Layout.Code32Cs, 0x00CF_9B00_0000_FFFF);
        Descriptor(Layout.KernelCs, 0x00AF_9B00_0000_FFFF);
        Descriptor(Layout.KernelDs, 0x00CF_9300_0000_FFFF);
        Descriptor(Layout.User32Cs, 0x00CF_FB00_0000_FFFF);
        Descriptor(Layout.UserDs, 0x00CF_F300_0000_FFFF);
        Descriptor(Layout.UserCs, 0x00AF_FB00_0000_FFFF);
        Descriptor(Layout.Code16Cs, 0x0000_9B00_0000_FFFF);
        Descriptor(Layout.Data16Ds, 0x0000_9300_0000_FFFF);
        for (int i = 0; i < vcpus; i++)
        {
            ulong tss = Layout.Tss + (256 * (ulong)i);
            Descriptor(Layout.TssSelector + (16 * i), 0x0000_8900_0000_0067 | (tss << 16));
            ulong stacks = Layout.HandlerStacks + (0x4000 * (ulong)i);
            Write(tss + 4, stacks + 0x1000);
            for (ulong ist = 1; ist <= 3; ist++)
            {
                Write(tss + 0x1C + (8 * ist), stacks + (0x1000 * (ist + 1)));
            }

            Write(tss + 0x60, 0x0068_0000_0000_0000); // no I/O bit map
        }

        for (int vector = 0; vector < 256; vector++)
        {
            ulong stub = Layout.Stubs + ((ulong)vector * 16), stub32 = Layout.Stubs32 + ((ulong)vector * 16);

            // Faults have a stack of their own, so that they may be about the stack; #DB, #BP, NMI others.
            Gate(vector, stub, ist: vector switch { 1 or 3 => 2, 2 => 3, < 32 => 1, _ => 0 });
            Write(Layout.Idt32 + ((ulong)vector * 8), Gate32(stub32, 0, false, true, Layout.Code32Cs));
        }

        Place(64, Layout.ExitCode, _ => Exit());
        Gate(Layout.ExitVector, Layout.ExitCode, ist: 1, dpl: 3);
        foreach ((ulong address, byte[] code) in s_handlers.Value)
        {
            Assert.True(Memory.TryWrite(new Gpa(address), code));
        }
    }
}
