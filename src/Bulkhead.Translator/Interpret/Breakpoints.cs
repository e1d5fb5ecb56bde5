using Bulkhead.X86.State;

namespace Bulkhead.Translator.Interpret;

/// <summary>The breakpoints of the debug registers: told what an instruction accesses, they say what was hit.</summary>
/// <remarks>
/// <code>
/// DR7   0-7    L0 G0 L1 G1 L2 G2 L3 G3: enabled
///       16-17  R/W0 (0 execution, 1 write, 2 I/O with CR4.DE, 3 read or write)
///       18-19  LEN0 (0 1 byte, 1 2, 2 8, 3 4); bits 20-31 likewise for 1-3
/// </code>
/// <para>Hits are kept until an instruction is complete, or until the next one is where MOV SS holds traps back. Only enabled
/// breakpoints set their bit of DR6; LE and GE change nothing.</para>
/// <para><i>Source</i>: Intel SDM Vol. 3B, 17.2 Debug Registers, 17.3.1 Debug Exception (#DB).</para>
/// <para><i>Threading</i>: the vCPU's thread.</para>
/// </remarks>
internal sealed unsafe class Breakpoints(Registers* registers)
{
    private const int Execution = 0, WriteOnly = 1, Port = 2, ReadOrWrite = 3;
    private readonly Registers* _r = registers;
    private ulong _hits;

    /// <summary>Whether DR7 enables any.</summary>
    internal static bool Enabled(in Registers r) => (r.Dr7 & Dr7.Enables) != 0;

    /// <summary>Whether one that is enabled is about accesses, so that each has to be seen by itself.</summary>
    internal bool WatchAccesses
    {
        get
        {
            ulong dr7 = _r->Dr7;
            for (int n = 0; n < 4; n++)
            {
                if (IsEnabled(dr7, n) && KindOf(dr7, n) != Execution)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>The DR6 bits of instruction breakpoints at a linear address.</summary>
    internal ulong AtInstruction(ulong linear) => (_r->Rflags & Rflags.RF) != 0 ? 0 : Match(linear, 1, 1 << Execution);

    /// <summary>The instruction reads or writes memory.</summary>
    internal void NoteAccess(ulong linear, int size, bool write)
    {
        if (Enabled(in *_r))
        {
            _hits |= Match(linear, size, write ? (1 << WriteOnly) | (1 << ReadOrWrite) : 1 << ReadOrWrite);
        }
    }

    /// <summary>The instruction reads or writes a port.</summary>
    internal void NotePort(ushort port, int size)
    {
        if (Enabled(in *_r) && (_r->Cr4 & Cr4.DE) != 0)
        {
            _hits |= Match(port, size, 1 << Port);
        }
    }

    /// <summary>The DR6 bits of what was hit; they are forgotten.</summary>
    internal ulong Take()
    {
        ulong hits = _hits;
        _hits = 0;
        return hits;
    }

    /// <summary>The enabled breakpoints of some kinds that share a byte with a range.</summary>
    private ulong Match(ulong at, int size, int kinds)
    {
        ulong dr7 = _r->Dr7;
        ulong hits = 0;
        for (int n = 0; n < 4; n++)
        {
            if (IsEnabled(dr7, n) && ((kinds >> KindOf(dr7, n)) & 1) != 0)
            {
                ulong length = LengthOf(dr7, n);
                ulong from = _r->Dr[n] & ~(length - 1); // the length masks low bits of the address
                if (at - from < length || from - at < (ulong)size)
                {
                    hits |= 1ul << n;
                }
            }
        }

        return hits;
    }

    private static bool IsEnabled(ulong dr7, int n) => ((dr7 >> (2 * n)) & 3) != 0;

    private static int KindOf(ulong dr7, int n) => (int)(dr7 >> (16 + (4 * n))) & 3;

    private static ulong LengthOf(ulong dr7, int n) => ((dr7 >> (18 + (4 * n))) & 3) switch
    {
        0 => 1,
        1 => 2,
        2 => 8,
        _ => 4,
    };
}
