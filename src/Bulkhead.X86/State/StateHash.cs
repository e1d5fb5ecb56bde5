using System.Runtime.InteropServices;

namespace Bulkhead.X86.State;

/// <summary>A number that differs where two architectural states differ (FNV-1a over 64-bit words).</summary>
/// <remarks>Left out: FOP, FIP and FDP of the x87, which are the host's.</remarks>
public static unsafe class StateHash
{
    private const ulong Basis = 0xCBF2_9CE4_8422_2325;
    private const ulong Prime = 0x100_0000_01B3;

    /// <summary>The hash of a vCPU between runs.</summary>
    public static ulong Of(ref readonly Registers registers)
    {
        fixed (Registers* r = &registers)
        {
            ulong h = WithoutX87(in registers);
            h = Add(h, *(ulong*)r->X87 & 0xFF_FFFF_FFFF);
            for (int i = 0; i < 8; i++)
            {
                h = Add(h, *(ulong*)(r->X87 + 32 + (16 * i)));
                h = Add(h, *(ushort*)(r->X87 + 40 + (16 * i)));
            }

            return h;
        }
    }

    /// <summary>The hash of a vCPU inside a run, when its x87 state is still in the host's.</summary>
    public static ulong WithoutX87(ref readonly Registers registers)
    {
        fixed (Registers* r = &registers)
        {
            return Of(new ReadOnlySpan<byte>(r, (int)(r->X87 - (byte*)r)), Basis);
        }
    }

    /// <summary>The hash of bytes, a multiple of 8 of them, after others.</summary>
    public static ulong Of(ReadOnlySpan<byte> bytes, ulong before = Basis)
    {
        ulong h = before;
        foreach (ulong word in MemoryMarshal.Cast<byte, ulong>(bytes))
        {
            h = Add(h, word);
        }

        return h;
    }

    /// <summary>The hash of a word after others.</summary>
    public static ulong Add(ulong hash, ulong word) => (hash ^ word) * Prime;
}
