using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;
using Bulkhead.Core.Memory;
using Bulkhead.Core.Time;
using Bulkhead.Guests.Tests.Harness;
using Bulkhead.Machine.Domains;
using Bulkhead.X86.Engine;
using Bulkhead.X86.State;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Interrupts;

/// <summary>Between which two instructions an interrupt may come.</summary>
public sealed class ShadowTests
{
    [Theory]
    [EngineSettings]
    public void Sti_WithAnInterruptWaiting_LetsOneInstructionPass(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            guest.EnableApic();
            guest.SelfIpi(0x40);
            a.nop();
            a.nop();
            a.sti();
            a.inc(eax);
            guest.Mark("after the shadow");
            a.inc(eax);
            guest.Exit();
        });

        guest.Expect((0x40, 0, "after the shadow"));
        Assert.Equal(Rflags.IF, guest.Event.Rflags & Rflags.IF);
    }

    [Theory]
    [EngineSettings]
    public void StiCli_WithAnInterruptWaiting_LetsNothingIn(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            guest.EnableApic();
            guest.SelfIpi(0x40);
            for (int i = 0; i < 20; i++)
            {
                a.sti();
                a.cli();
                a.inc(ecx);
            }

            guest.Exit();
        });

        Assert.Empty(guest.Events);
    }

    [Theory]
    [EngineSettings]
    public void StiHlt_WithAnInterruptWaiting_HaltsFirstAndWakes(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            guest.EnableApic();
            guest.SelfIpi(0x40);
            a.sti();
            a.hlt();
            guest.Mark("after hlt");
            guest.Exit();
        });

        guest.Expect((0x40, 0, "after hlt"));
    }

    [Theory]
    [EngineSettings]
    public void Sti_WithIfSet_OpensNoShadow(string engine)
    {
        using Guest guest = new(engine);
        guest.Device.OnRead = _ =>
        {
            Raise(guest, 0x40);
            return 0;
        };
        guest.Long(a =>
        {
            guest.EnableApic();
            a.sti();
            a.nop();
            a.mov(ebx, (uint)Layout.Device);
            a.mov(eax, __[rbx]);
            guest.Mark("after mov");
            a.sti();
            guest.Mark("after sti");
            a.nop();
            guest.Mark("after nop");
            guest.Exit();
        });

        // It is asked for by the load; one instruction later at the latest it comes.
        Assert.Contains(guest.Event.Rip, new[] { guest.At("after mov"), guest.At("after sti") });
    }

    [Theory]
    [EngineSettings]
    public void MovSs_WhileAnInterruptArrives_LetsOneInstructionPass(string engine)
    {
        using Guest guest = new(engine);
        guest.Device.OnRead = _ =>
        {
            Raise(guest, 0x40);
            return Layout.KernelDs;
        };
        guest.Long(a =>
        {
            guest.EnableApic();
            a.mov(ebx, (uint)Layout.Device);
            a.sti();
            a.nop();
            a.mov(ss, __word_ptr[rbx]);
            a.mov(rsp, Layout.StackOf(0) - 0x100);
            guest.Mark("after the stack");
            a.nop();
            guest.Exit();
        });

        guest.Expect((0x40, 0, "after the stack"));
        Assert.Equal(Layout.StackOf(0) - 0x100, guest.Event.Rsp);
    }

    [Theory]
    [EngineSettings]
    public void StiMovSs_WithAnInterruptWaiting_LetsTheOneBehindBothPass(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            guest.EnableApic();
            guest.SelfIpi(0x40);
            a.mov(eax, Layout.KernelDs);
            a.sti();
            a.mov(ss, eax);
            a.mov(rsp, Layout.StackOf(0) - 0x100);
            guest.Mark("after the stack");
            a.nop();
            guest.Exit();
        });

        guest.Expect((0x40, 0, "after the stack"));
        Assert.Equal(Layout.StackOf(0) - 0x100, guest.Event.Rsp);
    }

    [Theory]
    [EngineSettings]
    public void Sti_WhileMemoryMoves_LetsOneInstructionPass(string engine)
    {
        using Guest guest = new(engine, vcpus: 2);
        ushort units = 0;
        VcpuSlot slot = guest.Slot();
        slot.Io = new LookingIo(slot.Io, () =>
        {
            if (slot.Vcpu.Registers.InterruptShadow != 0 && units++ < 3)
            {
                guest.Memory.Protect(units); // between the look and the instruction in the shadow
            }
        });
        guest.Long(a =>
        {
            guest.EnableApic();
            guest.SelfIpi(0x40);
            a.sti();
            a.inc(eax);
            guest.Mark("after the shadow");
            a.inc(eax);
            guest.Exit();
        });

        guest.Expect((0x40, 0, "after the shadow"));
        Assert.True(units >= 3);
    }

    [Theory]
    [EngineSettings]
    public void MovSs_WhileAnNmiArrives_LetsOneInstructionPass(string engine)
    {
        using Guest guest = new(engine);
        guest.Device.OnRead = _ =>
        {
            guest.Slot().Nmi();
            return Layout.KernelDs;
        };
        guest.Long(a =>
        {
            a.mov(ebx, (uint)Layout.Device);
            a.mov(ss, __word_ptr[rbx]);
            a.mov(rsp, Layout.StackOf(0) - 0x100);
            guest.Mark("after the stack");
            a.nop();
            guest.Exit();
        });

        guest.Expect((2, 0, "after the stack"));
        Assert.Equal(Layout.StackOf(0) - 0x100, guest.Event.Rsp);
    }

    [Theory]
    [EngineSettings]
    public void Popf_SettingIf_LetsTheInterruptInAtOnce(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            guest.EnableApic();
            guest.SelfIpi(0x40);
            a.push(0x202);
            a.popfq();
            guest.Mark("after popf");
            a.nop();
            a.nop();
            guest.Exit();
        });

        guest.Expect((0x40, 0, "after popf"));
    }

    [Theory]
    [EngineSettings]
    public void Iret_SettingIf_LetsTheInterruptInAtOnce(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            guest.EnableApic();
            guest.SelfIpi(0x40);
            guest.ToUser(0x202);
            guest.UserExit();
        });

        Assert.Equal((0x40, (ulong)Layout.UserCs, Layout.UserStack), (guest.Event.Vector, guest.Event.Cs, guest.Event.Rsp));
        Assert.InRange(guest.Event.Rip, Layout.User + Layout.Code, Layout.User + Layout.Code + 0x100);
    }

    [Theory]
    [EngineSettings]
    public void Loop_WithIfSet_IsInterrupted(string engine)
    {
        using Guest guest = new(engine);
        guest.Gate(0x40, Layout.Code + 0x1000);
        guest.Place(64, Layout.Code + 0x1000, a =>
        {
            guest.Apic(0xB0, 0);
            a.mov(__dword_ptr[Layout.Data], 1);
            a.iretq();
        });
        guest.Device.OnWrite = (_, _) => Raise(guest, 0x40);
        guest.Long(a =>
        {
            Label loop = a.CreateLabel();
            guest.EnableApic();
            a.sti();
            a.mov(ebx, (uint)Layout.Device);
            a.mov(__[rbx], eax);
            a.Label(ref loop);
            a.cmp(__dword_ptr[Layout.Data], 0);
            a.je(loop);
            guest.Exit();
        });

        Assert.Equal(1ul, guest.Read(Layout.Data));
    }

    private static void Raise(Guest guest, byte vector) =>
        guest.Slot().Io.WriteMmio(new(Layout.LocalApic + 0x300), BitConverter.GetBytes(0x4_0000 | (int)vector));

    /// <summary>Tells when the vCPU looks whether an interrupt waits.</summary>
    private sealed class LookingIo(ICpuIo inner, Action look) : ICpuIo, IInterruptController
    {
        public IInterruptController Interrupts => this;

        public IClock Clock => inner.Clock;

        public bool HasPending
        {
            get
            {
                look();
                return inner.Interrupts.HasPending;
            }
        }

        public byte TaskPriority { get => inner.Interrupts.TaskPriority; set => inner.Interrupts.TaskPriority = value; }

        public bool TryAcknowledge(out byte vector) => inner.Interrupts.TryAcknowledge(out vector);

        public IoResult ReadMmio(Gpa address, Span<byte> data) => inner.ReadMmio(address, data);

        public IoResult WriteMmio(Gpa address, ReadOnlySpan<byte> data) => inner.WriteMmio(address, data);

        public IoResult ReadPort(ushort port, Span<byte> data) => inner.ReadPort(port, data);

        public IoResult WritePort(ushort port, ReadOnlySpan<byte> data) => inner.WritePort(port, data);

        public bool TryReadMsr(uint index, out ulong value) => inner.TryReadMsr(index, out value);

        public bool TryWriteMsr(uint index, ulong value) => inner.TryWriteMsr(index, value);
    }
}
