using Bulkhead.Machine.Tests.Guests;
using Bulkhead.Machine.Tests.Hostile;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Machine.Tests.Faults;

/// <summary>Guests that do something random to devices and system registers without end.</summary>
internal static class FaultFloods
{
    private const int Accesses = 48;
    private const uint Apic = 0xFEE0_0000;
    private const uint IoApic = 0xFEC0_0000;
    private const uint Hpet = 0xFED0_0000;
    private const byte GeneralProtection = 13;

    private static readonly ushort[] s_ports =
        [0x20, 0x21, 0x40, 0x41, 0x42, 0x43, 0x60, 0x61, 0x70, 0x71, 0xA0, 0xA1, 0x3F8, 0x3F9, 0x3FA, 0x3FB, 0x3FC, 0x3FF, 0x4D0, 0x4D1, 0x600, 0x602, 0x608, 0x60C, 0xCF8, 0xCFC, 0xCFD, 0xCFF, 0xFFFF];

    private static readonly ushort[] s_deadlyPorts = [0x64, 0x92, 0xCF9, 0xF4, 0x604, 0x605];

    private static readonly uint[] s_msrs =
        [0x10, 0x1B, 0x3A, 0x3B, 0x48, 0x49, 0x8B, 0xFE, 0x174, 0x175, 0x176, 0x179, 0x17A, 0x186, 0x1A0, 0x1D9, 0x200, 0x250, 0x277, 0x2FF, 0x345, 0x480, 0x6E0, 0x802, 0x808, 0x80B, 0x80F, 0x828, 0x830, 0x832, 0x838, 0x83F, 0xDA0,
         0x4B56_4D00, 0x4B56_4D01, 0x4B56_4D02, 0x11, 0x12, 0xC000_0080, 0xC000_0081, 0xC000_0082, 0xC000_0084, 0xC000_0100, 0xC000_0101, 0xC000_0102, 0xC000_0103, 0xC001_0015, 0xC001_001F];

    internal static Action<Assembler>? Code(FaultKind kind, Random random) => kind switch
    {
        FaultKind.SerialFlood => c => Serial(c, random),
        FaultKind.PortFlood => c => Ports(c, random),
        FaultKind.MmioFlood => c => Mmio(c, random),
        FaultKind.ApicRandom => c => Apics(c, random),
        FaultKind.TimerStorm => c => Timers(c, random),
        FaultKind.MsrFlood => c => Msrs(c, random),
        FaultKind.ControlRandom => c => Control(c, random),
        FaultKind.StringsOverDevices => c => Strings(c, random),
        FaultKind.Init => static c =>
        {
            c.mov(edi, Apic);
            c.mov(__dword_ptr[edi + 0x300], 0x4_4500);
            c.Wrmsr(0x830, 0x4_4500);
            c.Halt();
        },
        _ => null,
    };

    private static void Serial(Assembler c, Random random)
    {
        int others = random.Next(2) * 8;
        c.Seed(random);
        c.Forever(l =>
        {
            for (int i = 0; i < Accesses; i++)
            {
                l.mov(dx, (ushort)(0x3F8 + (i < others ? i : 0)));
                l.Next();
                l.@out(dx, al);
                l.@in(al, dx);
            }
        });
    }

    private static void Ports(Assembler c, Random random)
    {
        bool deadly = random.Next(3) == 0;
        c.Seed(random);
        c.Forever(l =>
        {
            for (int i = 0; i < Accesses; i++)
            {
                int choice = random.Next(deadly ? 20 : 19);
                ushort port = choice < 4 ? (ushort)random.Next(0x10000) : choice == 19 ? s_deadlyPorts[random.Next(s_deadlyPorts.Length)] : s_ports[random.Next(s_ports.Length)];
                l.Next();
                l.mov(dx, port);
                Port(l, random.Next(6));
            }
        });
    }

    private static void Port(Assembler c, int form)
    {
        switch (form)
        {
            case 0:
                c.@in(al, dx);
                break;
            case 1:
                c.@in(ax, dx);
                break;
            case 2:
                c.@in(eax, dx);
                break;
            case 3:
                c.@out(dx, ax);
                break;
            case 4:
                c.@out(dx, eax);
                break;
            default:
                c.@out(dx, al);
                break;
        }
    }

    private static void Mmio(Assembler c, Random random)
    {
        c.Seed(random);
        c.Forever(l =>
        {
            for (int i = 0; i < Accesses; i++)
            {
                uint page = random.Next(5) switch { 0 => Apic, 1 => IoApic, 2 => Hpet, 3 => 0xC000_0000, _ => 0xC000_0000 + ((uint)random.Next(0x3FFF_F000) & ~3u) };
                uint at = page + (uint)(random.Next(4) == 0 ? random.Next(0x1000) : random.Next(0x400) & ~0xF);
                l.Next();
                l.mov(edi, at);
                Memory(l, random.Next(8));
            }
        });
    }

    private static void Memory(Assembler c, int form)
    {
        switch (form)
        {
            case 0:
                c.mov(eax, __dword_ptr[edi]);
                break;
            case 1:
                c.mov(__byte_ptr[edi], al);
                break;
            case 2:
                c.mov(__word_ptr[edi], ax);
                break;
            case 3:
                c.@lock.xadd(__dword_ptr[edi], eax);
                break;
            case 4:
                c.add(eax, __dword_ptr[edi]);
                break;
            case 5:
                c.@lock.cmpxchg8b(__qword_ptr[edi]);
                break;
            default:
                c.mov(__dword_ptr[edi], eax);
                break;
        }
    }

    private static void Apics(Assembler c, Random random)
    {
        c.Seed(random);
        c.Forever(l =>
        {
            for (int i = 0; i < Accesses; i++)
            {
                l.Next();
                if (random.Next(2) == 0)
                {
                    l.mov(edi, Apic + ((uint)random.Next(0x40) << 4));
                    l.mov(__dword_ptr[edi], eax);
                }
                else
                {
                    l.mov(edi, IoApic);
                    l.mov(__dword_ptr[edi], random.Next(0x40));
                    l.mov(__dword_ptr[edi + 0x10], eax);
                }
            }

            if (random.Next(4) == 0)
            {
                l.sti();
            }
        });
    }

    private static void Timers(Assembler c, Random random)
    {
        c.Seed(random);
        c.Forever(l =>
        {
            l.mov(edi, Apic);
            l.mov(__dword_ptr[edi + 0x3E0], random.Next(16));
            l.mov(__dword_ptr[edi + 0x320], (random.Next(4) << 17) | 0x40);
            l.mov(__dword_ptr[edi + 0x380], random.Next(100));
            l.Out(0x43, (byte)(0x30 | (random.Next(8) << 1)));
            l.Out(0x40, (byte)random.Next(3));
            l.Out(0x40, 0);
            l.Out(0x70, 0x0A);
            l.Out(0x71, (byte)(0x20 | random.Next(16)));
            l.Out(0x70, 0x0B);
            l.Out(0x71, 0x72);
            l.mov(edi, Hpet);
            l.mov(__dword_ptr[edi + 0x10], 1 + (random.Next(2) * 2));
            for (uint timer = 0; timer < 3; timer++)
            {
                l.mov(__dword_ptr[edi + 0x100 + (0x20 * timer)], 0x4C | (random.Next(32) << 9));
                l.mov(__dword_ptr[edi + 0x108 + (0x20 * timer)], random.Next(3));
                l.mov(__dword_ptr[edi + 0x108 + (0x20 * timer)], random.Next(3));
            }
        });
    }

    // An exception handler passes over what was refused: all of these are two or three bytes.
    private static void PassOver(Assembler c, int vector, uint bytes)
    {
        if (c.Bitness == 64)
        {
            return;
        }

        Label behind = c.CreateLabel();
        c.mov(esp, 0x9000);
        c.mov(edi, 0x8000);
        c.mov(__word_ptr[edi], 0x7FF);
        c.mov(__dword_ptr[edi + 2], 0x8100);
        c.lidt(__[edi]);
        c.call(behind);
        c.add(esp, 4);
        c.add(__dword_ptr[esp], bytes);
        c.iretd();
        c.Label(ref behind);
        c.pop(eax);
        c.mov(edi, 0x8100 + (8 * vector));
        c.mov(__word_ptr[edi], ax);
        c.mov(__word_ptr[edi + 2], cs);
        c.mov(__word_ptr[edi + 4], 0x8E00);
        c.shr(eax, 16);
        c.mov(__word_ptr[edi + 6], ax);
    }

    private static void Msrs(Assembler c, Random random)
    {
        PassOver(c, GeneralProtection, 2);
        c.Seed(random);
        c.Forever(l =>
        {
            for (int i = 0; i < Accesses; i++)
            {
                l.mov(ecx, random.Next(8) == 0 ? (uint)random.Next() : s_msrs[random.Next(s_msrs.Length)]);
                l.rdmsr();
                switch (random.Next(4))
                {
                    case 0:
                        l.btc(eax, (byte)random.Next(32));
                        break;
                    case 1:
                        l.mov(eax, random.Next());
                        l.mov(edx, random.Next(4) == 0 ? random.Next() : 0);
                        break;
                    default:
                        l.Next();
                        l.xor(edx, edx);
                        break;
                }

                l.wrmsr();
            }
        });
    }

    private static void Control(Assembler c, Random random)
    {
        PassOver(c, GeneralProtection, 3);
        bool wide = c.Bitness == 64;
        (AssemblerRegisterCR To, int Bits)[] control = [(cr0, 32), (cr4, 24), (cr3, 32), (cr2, 32)];
        AssemblerRegisterDR[] debug = [dr0, dr1, dr2, dr3, dr6, dr7];
        for (int i = 0; i < Accesses; i++)
        {
            if (random.Next(3) == 0)
            {
                AssemblerRegisterDR to = debug[random.Next(debug.Length)];
                c.mov(eax, to.Equals(dr7) ? random.Next(0x1_0000) | 0x400 : (int)(FaultCode.Place + random.Next(0x800)));
                if (wide)
                {
                    c.mov(to, rax);
                }
                else
                {
                    c.mov(to, eax);
                }

                continue;
            }

            (AssemblerRegisterCR register, int bits) = control[random.Next(control.Length)];
            byte bit = (byte)random.Next(bits);
            if (wide)
            {
                c.mov(rax, register);
                c.btc(rax, bit);
                c.mov(register, rax);
            }
            else
            {
                c.mov(eax, register);
                c.btc(eax, bit);
                c.mov(register, eax);
            }
        }

        Victim.Compute(c);
    }

    private static void Strings(Assembler c, Random random)
    {
        uint[] places = [Apic - 0x800, IoApic - 0x100, Hpet - 0x200, 0xBFFF_F000, FaultMachine.MemoryBytes - 0x1000, 0xFFFF_F000];
        c.cld();

        // No longer ones: in virtual time a whole page of them takes a nanosecond.
        c.Forever(l =>
        {
            for (int i = 0; i < 8; i++)
            {
                l.mov(edi, places[random.Next(places.Length)]);
                l.mov(esi, random.Next(2) == 0 ? places[random.Next(places.Length)] : WorkCode.Start);
                l.mov(ecx, random.Next(3) switch { 0 => 0x4003, 1 => 0x801, _ => 0x40 });
                l.mov(eax, random.Next());
                l.mov(edx, s_ports[random.Next(s_ports.Length)]);
                switch (random.Next(7))
                {
                    case 0:
                        l.rep.stosb();
                        break;
                    case 1:
                        l.rep.stosd();
                        break;
                    case 2:
                        l.rep.movsb();
                        break;
                    case 3:
                        l.rep.movsd();
                        break;
                    case 4:
                        l.rep.insb();
                        break;
                    case 5:
                        l.rep.outsb();
                        break;
                    default:
                        l.repne.scasd();
                        break;
                }

                l.Work(400);
            }
        });
    }
}
