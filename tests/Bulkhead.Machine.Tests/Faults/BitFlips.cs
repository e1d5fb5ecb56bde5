using Bulkhead.Core.Memory;
using Bulkhead.Machine.Domains;
using Bulkhead.X86.State;

namespace Bulkhead.Machine.Tests.Faults;

/// <summary>Bits that turn over in a guest's state while it does not run, whether a guest could have set them or not.</summary>
internal static unsafe class BitFlips
{
    private const int Most = 8;

    /// <summary>Turns a few bits over.</summary>
    internal static void Do(FaultKind kind, Domain domain, Random random)
    {
        int count = random.Next(1, Most + 1);
        for (int i = 0; i < count; i++)
        {
            ref Registers r = ref domain.Slots[random.Next(domain.Slots.Length)].Vcpu.Registers;
            switch (kind)
            {
                case FaultKind.FlippedRegisters:
                    Register(ref r, random);
                    break;
                case FaultKind.FlippedRam:
                    Ram(domain, random, random.Next(3) switch { 0 => 0, 1 => WorkCode.Start, _ => 0x8000 }, 0x1200);
                    break;
                case FaultKind.FlippedPageTables:
                    Ram(domain, random, WorkCode.Tables, (int)WorkCode.TableBytes);
                    break;
                case FaultKind.FlippedControl:
                    Control(ref r, random);
                    break;
                default:
                    Segments(ref r, random);
                    break;
            }
        }
    }

    private static ulong Bit(Random random, int bits = 64) => 1ul << random.Next(bits);

    private static void Ram(Domain domain, Random random, ulong start, int length)
    {
        // The domain lives, so it has RAM.
        GuestMemory memory = domain.Memory!;
        var at = new Gpa(start + (ulong)random.Next(length));
        Span<byte> one = stackalloc byte[1];
        _ = memory.TryRead(at, one);
        one[0] ^= (byte)Bit(random, 8);
        _ = memory.TryWrite(at, one);
    }

    private static void Register(ref Registers r, Random random)
    {
        switch (random.Next(8))
        {
            case 0:
                r.Rip ^= Bit(random, random.Next(2) == 0 ? 8 : 64);
                break;
            case 1:
                r.Rflags ^= Bit(random, random.Next(2) == 0 ? 22 : 64);
                break;
            case 2:
                r.Ymm[random.Next(512)] ^= (byte)Bit(random, 8);
                break;
            case 3:
                r.Mxcsr ^= (uint)Bit(random, 32);
                break;
            case 4:
                r.X87[random.Next(160)] ^= (byte)Bit(random, 8);
                break;
            default:
                r.Gpr[random.Next(16)] ^= Bit(random);
                break;
        }
    }

    private static void Control(ref Registers r, Random random)
    {
        switch (random.Next(14))
        {
            case 0 or 1:
                r.Cr0 ^= Bit(random, random.Next(4) == 0 ? 64 : 32);
                break;
            case 2 or 3:
                r.Cr4 ^= Bit(random, random.Next(4) == 0 ? 64 : 24);
                break;
            case 4:
                r.Cr3 ^= Bit(random);
                break;
            case 5 or 6:
                r.Efer ^= Bit(random, 16);
                break;
            case 7:
                r.Xcr0 ^= Bit(random);
                break;
            case 8:
                r.Dr7 ^= Bit(random, 32);
                r.Dr[random.Next(4)] ^= Bit(random);
                break;
            case 9:
                r.Pat ^= Bit(random);
                break;
            case 10:
                r.Activity ^= (byte)Bit(random, 2);
                break;
            case 11:
                r.InterruptShadow ^= (byte)Bit(random, 8);
                break;
            case 12:
                r.NmiBlocked ^= (byte)Bit(random, 8);
                r.NmiPending ^= (byte)Bit(random, 8);
                break;
            default:
                r.TscOffset ^= Bit(random);
                r.Dr6 ^= Bit(random);
                break;
        }
    }

    private static void Segments(ref Registers r, Random random)
    {
        ref Segment s = ref r.Segments[random.Next(8)];
        switch (random.Next(6))
        {
            case 0:
                s.Base ^= Bit(random, random.Next(2) == 0 ? 32 : 64);
                break;
            case 1:
                s.Limit ^= (uint)Bit(random, 32);
                break;
            case 2:
                s.Access ^= (uint)Bit(random, 17);
                break;
            case 3:
                s.Selector ^= (ushort)Bit(random, 16);
                break;
            case 4:
                r.GdtBase ^= Bit(random);
                r.GdtLimit ^= (uint)Bit(random, 32);
                break;
            default:
                r.IdtBase ^= Bit(random);
                r.IdtLimit ^= (uint)Bit(random, 32);
                break;
        }
    }
}
