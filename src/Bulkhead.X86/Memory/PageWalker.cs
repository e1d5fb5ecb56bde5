using System.Runtime.CompilerServices;
using Bulkhead.Core.Memory;
using Bulkhead.X86.State;

namespace Bulkhead.X86.Memory;

/// <summary>Walks the guest's page tables as the processor does: rights, reserved bits, accessed and dirty bits.</summary>
/// <remarks>
/// <para><i>Source</i>: Intel SDM Vol. 3A, chapter 4 Paging (4.5 4-Level Paging, 4.6 Access Rights, 4.7 Page-Fault
/// Exceptions, 4.8 Accessed and Dirty Flags).</para>
/// <para><i>Cost</i>: the soft TLB's miss path; no allocation. <i>Threading</i>: any; other vCPUs may change the tables
/// meanwhile, and an entry is only ever changed by a compare-exchange of the value the decision was made on.</para>
/// <para>A table outside memory reads as all ones, which is a reserved-bit fault.</para>
/// </remarks>
public static unsafe partial class PageWalker
{
    /// <summary>Physical address bits (CPUID 80000008H EAX[7:0]); higher ones are reserved in the tables.</summary>
    public const int PhysicalBits = 46;

    private const ulong P = 1, W = 2, U = 4, A = 0x20, D = 0x40, PS = 0x80, G = 0x100, XD = 1ul << 63;

    /// <summary>The address field of an entry.</summary>
    private const ulong AddressMask = ((1ul << PhysicalBits) - 1) & ~0xFFFul;

    /// <summary>Bits 51:PhysicalBits, reserved in every entry.</summary>
    private const ulong ReservedHigh = ((1ul << 52) - 1) & ~((1ul << PhysicalBits) - 1);

    /// <summary>Translates one linear address.</summary>
    /// <param name="memory">The guest's RAM, where the tables lie.</param>
    /// <param name="r">The state that governs paging: CR0, CR3, CR4, EFER.</param>
    /// <param name="gva">The linear address; outside long mode its upper half is ignored.</param>
    /// <param name="access">What is to be done there.</param>
    /// <param name="t">The translation, where the result is true.</param>
    /// <param name="fault">#PF, or #GP(0) for a non-canonical address (the caller makes it #SS(0) for stack accesses).</param>
    public static bool TryWalk(GuestMemory memory, ref readonly Registers r, ulong gva, Access access, out Translation t, out GuestFault fault)
    {
        if ((r.Cr0 & Cr0.PG) == 0)
        {
            t = new Translation(new Gpa((uint)gva), 12, true, false);
            fault = default;
            return true;
        }

        if ((r.Efer & Efer.Lma) != 0)
        {
            return TryWalk4Level(memory, in r, gva, access, out t, out fault);
        }

        return (r.Cr4 & Cr4.PAE) != 0
            ? TryWalkPae(memory, in r, (uint)gva, access, out t, out fault)
            : TryWalk32(memory, in r, (uint)gva, access, out t, out fault);
    }

    private static bool TryWalk4Level(GuestMemory memory, ref readonly Registers r, ulong gva, Access access, out Translation t, out GuestFault fault)
    {
        if (!Canonical.Is(gva))
        {
            t = default;
            fault = GuestFault.Gp();
            return false;
        }

        ulong reserved = (r.Efer & Efer.NXE) != 0 ? ReservedHigh : ReservedHigh | XD;
    again:
        ulong table = r.Cr3 & AddressMask;
        ulong rights = W | U | XD; // XD is kept inverted: set while no level forbids execution.
        int shift = 39;
        while (true)
        {
            Gpa place = new(table + (((gva >> shift) & 511) << 3));
            ulong value = Read(memory, place, ~0ul);
            if ((value & P) == 0)
            {
                return Fail(in r, gva, access, 0, out t, out fault);
            }

            rights &= value ^ XD;
            bool leaf = shift == 12 || ((value & PS) != 0 && shift != 39);
            ulong bad = reserved;
            if (leaf)
            {
                bad |= shift == 12 ? 0 : ((1ul << shift) - 1) & AddressMask & ~0x1000ul;
            }
            else if (shift == 39)
            {
                bad |= PS;
            }

            if ((value & bad) != 0)
            {
                return Fail(in r, gva, access, PageFaultCode.P | PageFaultCode.Rsvd, out t, out fault);
            }

            if (!leaf)
            {
                // The accessed flag of every table entry is set as the walk uses it.
                if (!TryMark(memory, place, value, value | A))
                {
                    goto again;
                }

                table = value & AddressMask;
                shift -= 9;
                continue;
            }

            if (!Allowed(in r, rights, access))
            {
                return Fail(in r, gva, access, PageFaultCode.P, out t, out fault);
            }

            ulong wanted = value | A | ((access & Access.Write) != 0 ? D : 0);
            if (!TryMark(memory, place, value, wanted))
            {
                goto again;
            }

            ulong offsetMask = (1ul << shift) - 1;
            ulong address = (value & AddressMask & ~offsetMask) | (gva & offsetMask);
            t = new Translation(new Gpa(address), shift, Writable(in r, rights, wanted, access), (value & G) != 0 && (r.Cr4 & Cr4.PGE) != 0);
            fault = default;
            return true;
        }
    }

    /// <summary>Access rights of a whole walk; <paramref name="rights"/> holds W, U and (inverted) XD of all levels ANDed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Allowed(ref readonly Registers r, ulong rights, Access access)
    {
        bool userPage = (rights & U) != 0;
        if ((access & Access.Fetch) != 0 && (rights & XD) == 0 && (r.Efer & Efer.NXE) != 0)
        {
            return false;
        }

        if ((access & Access.User) != 0)
        {
            return userPage && ((access & Access.Write) == 0 || (rights & W) != 0);
        }

        if (userPage)
        {
            if ((access & Access.Fetch) != 0)
            {
                return (r.Cr4 & Cr4.SMEP) == 0;
            }

            if ((r.Cr4 & Cr4.SMAP) != 0 && (access & Access.SmapExempt) == 0)
            {
                return false;
            }
        }

        return (access & Access.Write) == 0 || (rights & W) != 0 || (r.Cr0 & Cr0.WP) == 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Writable(ref readonly Registers r, ulong rights, ulong entry, Access access) =>
        (entry & D) != 0 && ((rights & W) != 0 || ((access & Access.User) == 0 && (r.Cr0 & Cr0.WP) == 0));

    private static bool Fail(ref readonly Registers r, ulong gva, Access access, uint code, out Translation t, out GuestFault fault)
    {
        if ((access & Access.Write) != 0)
        {
            code |= PageFaultCode.W;
        }

        if ((access & Access.User) != 0)
        {
            code |= PageFaultCode.U;
        }

        // The fetch bit exists only where fetches can be told apart: with SMEP, or with NX in PAE and 4-level paging.
        if ((access & Access.Fetch) != 0
            && ((r.Cr4 & Cr4.SMEP) != 0 || ((r.Efer & Efer.NXE) != 0 && (r.Cr4 & Cr4.PAE) != 0)))
        {
            code |= PageFaultCode.I;
        }

        t = default;
        fault = GuestFault.PageFault(gva, code);
        return false;
    }

    /// <summary>Reads an entry; where there is no memory, it is <paramref name="absent"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Read<T>(GuestMemory memory, Gpa place, T absent)
        where T : unmanaged
    {
        T* entry = (T*)memory.HostPointer(place, (ulong)sizeof(T));
        return entry != null ? *entry : ReadSlow(memory, place, absent);
    }

    /// <summary>Memory that takes no writes may hold tables too.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static T ReadSlow<T>(GuestMemory memory, Gpa place, T absent)
        where T : unmanaged
    {
        T value = default;
        return memory.TryRead(place, new Span<byte>(&value, sizeof(T))) ? value : absent;
    }

    /// <summary>Sets an entry's accessed and dirty flags; false where the entry changed meanwhile. In memory that takes no writes they are lost.</summary>
    private static bool TryMark<T>(GuestMemory memory, Gpa place, T value, T wanted)
        where T : unmanaged, IEquatable<T>
    {
        if (wanted.Equals(value))
        {
            return true;
        }

        T* entry = (T*)memory.HostPointer(place, (ulong)sizeof(T));
        if (entry == null)
        {
            return true;
        }

        if (!Interlocked.CompareExchange(ref *entry, wanted, value).Equals(value))
        {
            return false;
        }

        memory.NotifyWritten(place, 1); // both are in the first byte; a page may hold tables and code
        return true;
    }
}
