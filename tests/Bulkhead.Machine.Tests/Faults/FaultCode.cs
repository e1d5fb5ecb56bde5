using Bulkhead.Machine.Tests.Guests;
using Bulkhead.Machine.Tests.Hostile;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Machine.Tests.Faults;

/// <summary>What a guest does wrong by itself: code for 32-bit and for 64-bit mode, put into its way.</summary>
internal static class FaultCode
{
    /// <summary>Where the code lies.</summary>
    internal const uint Place = 0x110_0000;

    private const uint MemoryEnd = FaultMachine.MemoryBytes;
    private const uint Descriptors = 0x8000;
    private const int RandomBytes = 512;

    /// <summary>The code, or null for a kind that is none of the guest's.</summary>
    internal static byte[]? Assemble(FaultKind kind, int bits, Random random)
    {
        if (kind == FaultKind.RandomCode || bits == 16)
        {
            byte[] bytes = new byte[RandomBytes];
            random.NextBytes(bytes);
            return bytes;
        }

        Action<Assembler>? code = kind switch
        {
            FaultKind.TripleFault or FaultKind.FileGoneAtStart => TripleFault,
            FaultKind.HaltForGood => static c => c.Halt(),
            FaultKind.EndlessLoop => static c =>
            {
                c.cli();
                c.Forever(static l => l.pause());
            },
            FaultKind.JumpToNowhere => c => JumpToNowhere(c, random),
            FaultKind.PageTablesOverwritten => c => PageTables(c, random),
            FaultKind.DescriptorsDestroyed => c => DestroyDescriptors(c, random),
            FaultKind.StackOnDevice => c => StackOnDevice(c, random),
            FaultKind.MemoryFilled => c => FillMemory(c, random),
            FaultKind.Reset or FaultKind.FileGoneAtReset => c => Reset(c, kind == FaultKind.Reset ? random.Next(3) : 0),
            FaultKind.Panic => c => Panic(c, random.Next(2) == 0),
            FaultKind.PowerOff => static c =>
            {
                c.mov(dx, 0x604);
                c.mov(eax, 0x3400);
                c.@out(dx, ax);
                c.Halt();
            },
            FaultKind.Unsupported => c => Unsupported(c, random),
            _ => FaultFloods.Code(kind, random),
        };
        return code is null ? null : WorkCode.Assemble(bits, Place, code);
    }

    /// <summary>EBX to the next number, EAX as well.</summary>
    internal static void Next(this Assembler c)
    {
        c.mov(eax, ebx);
        c.shl(eax, 13);
        c.xor(ebx, eax);
        c.mov(eax, ebx);
        c.shr(eax, 17);
        c.xor(ebx, eax);
        c.mov(eax, ebx);
        c.shl(eax, 5);
        c.xor(ebx, eax);
        c.mov(eax, ebx);
    }

    /// <summary>What <see cref="Next"/> begins with.</summary>
    internal static void Seed(this Assembler c, Random random) => c.mov(ebx, random.Next(1, int.MaxValue));

    /// <summary>Fills memory with numbers.</summary>
    internal static void Overwrite(this Assembler c, uint from, uint to)
    {
        Label again = c.CreateLabel();
        c.mov(edi, from);
        c.Label(ref again);
        c.Next();
        c.mov(__dword_ptr[edi], eax);
        c.add(edi, 4);
        c.cmp(edi, to);
        c.jb(again);
    }

    private static void TripleFault(Assembler c)
    {
        c.mov(esp, 0x9000);
        c.mov(edi, Descriptors);
        c.mov(__dword_ptr[edi], 0);
        c.mov(__dword_ptr[edi + 4], 0);
        c.lidt(__[edi]);
        c.ud2();
    }

    private static void JumpToNowhere(Assembler c, Random random)
    {
        uint[] places = [0xFEE0_0000, 0xFED0_00F0, 0xFEC0_0000, 0xC000_0000, MemoryEnd, MemoryEnd - 1, 0xFFFF_FFFF, 0xFFFF_FFF0, 0, (uint)random.Next(), 0x8000_0000 | (uint)random.Next()];
        uint place = places[random.Next(places.Length)];
        if (c.Bitness == 64)
        {
            ulong high = random.Next(3) switch { 0 => 0, 1 => 0x1234_5678_0000_0000, _ => 0x8000_0000_0000_0000 };
            c.mov(rax, high | place);
            c.jmp(rax);
        }
        else
        {
            c.mov(eax, place);
            c.jmp(eax);
        }
    }

    private static void PageTables(Assembler c, Random random)
    {
        c.Seed(random);
        c.Overwrite(WorkCode.Tables, WorkCode.Tables + WorkCode.TableBytes);
        if (c.Bitness == 64)
        {
            c.mov(rax, cr3);
            c.mov(cr3, rax);
        }
        else
        {
            // Where there was no paging, there is now.
            c.mov(eax, WorkCode.Tables);
            c.mov(cr3, eax);
            c.mov(eax, cr0);
            c.or(eax, 0x8000_0000);
            c.mov(cr0, eax);
        }

        c.Forever(static l =>
        {
            l.Next();
            l.mov(edi, eax);
            l.mov(ecx, __dword_ptr[edi]);
            l.mov(__dword_ptr[edi], eax);
        });
    }

    private static void DestroyDescriptors(Assembler c, Random random)
    {
        c.Seed(random);
        c.Overwrite(Descriptors, Descriptors + 0x1000);
        if (random.Next(2) == 0)
        {
            c.mov(edi, Descriptors);
            c.lidt(__[edi]);
        }

        if (random.Next(2) == 0)
        {
            c.mov(edi, Descriptors + 0x20);
            c.lgdt(__[edi]);
        }

        for (int i = 0; i < 8; i++)
        {
            c.mov(eax, random.Next(0x10000));
            switch (random.Next(5))
            {
                case 0:
                    c.mov(es, ax);
                    break;
                case 1:
                    c.mov(ss, ax);
                    break;
                case 2:
                    c.lldt(ax);
                    break;
                case 3:
                    c.ltr(ax);
                    break;
                default:
                    c.@int((byte)random.Next(256));
                    break;
            }
        }

        c.Halt();
    }

    private static void StackOnDevice(Assembler c, Random random)
    {
        uint[] devices = [0xFEE0_0000, 0xFEE0_0300, 0xFEC0_0000, 0xFED0_0000, 0xFED0_0100, 0xC000_0000, MemoryEnd, 0xFFFF_FFF0];
        uint at = devices[random.Next(devices.Length)] + (uint)random.Next(0x40);
        byte vector = (byte)random.Next(256);
        c.mov(esp, at);
        c.Forever(l =>
        {
            Label behind = l.CreateLabel();
            l.call(behind);
            l.Label(ref behind);
            if (l.Bitness == 64)
            {
                l.push(rax);
                l.pop(rcx);
            }
            else
            {
                l.push(eax);
                l.pop(ecx);
                l.pushad();
            }

            l.@int(vector);
        });
    }

    private static void FillMemory(Assembler c, Random random)
    {
        c.cld();
        c.mov(eax, random.Next());
        uint from = random.Next(2) == 0 ? 0 : Place + 0x1000;
        c.mov(edi, from);
        c.mov(ecx, (MemoryEnd - from) / 4);
        c.rep.stosd();
        c.Forever(static l =>
        {
            l.add(__dword_ptr[edi], eax);
            l.add(edi, 4);
        });
    }

    private static void Reset(Assembler c, int way)
    {
        switch (way)
        {
            case 0:
                c.Out(0x64, 0xFE);
                break;
            case 1:
                c.Out(0xCF9, 2);
                c.Out(0xCF9, 6);
                break;
            default:
                c.Out(0x92, 1);
                break;
        }

        c.Halt();
    }

    private static void Panic(Assembler c, bool halts)
    {
        c.Print("Kernel panic - not syncing: injected\n");
        if (halts)
        {
            c.Halt();
        }
        else
        {
            Reset(c, 0);
        }
    }

    // Virtual-8086 mode; in 64-bit mode, which has none, a task gate in the way of an exception.
    private static void Unsupported(Assembler c, Random random)
    {
        if (c.Bitness == 64)
        {
            c.Seed(random);
            c.Overwrite(Descriptors, Descriptors + 0x1000);
            c.@int(3);
            return;
        }

        c.mov(esp, 0x9000);
        for (int i = 0; i < 5; i++)
        {
            c.push(0);
        }

        c.push(0x8000);
        c.push(0x2_0002);
        c.push(0);
        c.push(0);
        c.iretd();
    }
}
