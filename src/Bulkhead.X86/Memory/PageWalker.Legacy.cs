using Bulkhead.Core.Memory;
using Bulkhead.X86.State;

namespace Bulkhead.X86.Memory;

public static unsafe partial class PageWalker
{
    /// <summary>W, U, bits 5 to 8 and all above the address.</summary>
    private const ulong PaePointerReserved = W | U | 0x1E0 | ~((1ul << PhysicalBits) - 1);

    /// <summary>PAE paging: four page-directory pointers, then two levels of 64-bit entries.</summary>
    /// <remarks>
    /// <i>Source</i>: Intel SDM Vol. 3A, 4.4 PAE Paging. The pointers are read at every walk instead of being held in
    /// registers since the load of CR3; no known guest changes them in between and relies on the old ones.
    /// </remarks>
    private static bool TryWalkPae(GuestMemory memory, ref readonly Registers r, uint gva, Access access, out Translation t, out GuestFault fault)
    {
        ulong reserved = (r.Efer & Efer.NXE) != 0 ? ReservedHigh | (0x7FFul << 52) : ReservedHigh | (0xFFFul << 52);
        ulong directory = Read(memory, PaePointer(r.Cr3, (int)(gva >> 30)), 0ul);
        if ((directory & P) == 0)
        {
            return Fail(in r, gva, access, 0, out t, out fault);
        }

    again:
        ulong table = directory & AddressMask;
        ulong rights = W | U | XD;
        for (int shift = 21; ; shift = 12)
        {
            Gpa place = new(table + ((ulong)((gva >> shift) & 511) << 3));
            ulong value = Read(memory, place, ~0ul);
            if ((value & P) == 0)
            {
                return Fail(in r, gva, access, 0, out t, out fault);
            }

            rights &= value ^ XD;
            bool leaf = shift == 12 || (value & PS) != 0;
            ulong bad = reserved | (leaf && shift == 21 ? 0x1F_E000ul : 0);
            if ((value & bad) != 0)
            {
                return Fail(in r, gva, access, PageFaultCode.P | PageFaultCode.Rsvd, out t, out fault);
            }

            if (leaf && !Allowed(in r, rights, access))
            {
                return Fail(in r, gva, access, PageFaultCode.P, out t, out fault);
            }

            ulong wanted = value | A | (leaf && (access & Access.Write) != 0 ? D : 0);
            if (!TryMark(memory, place, value, wanted))
            {
                goto again;
            }

            if (leaf)
            {
                ulong offsetMask = (1ul << shift) - 1;
                ulong address = (value & AddressMask & ~offsetMask) | (gva & offsetMask);
                t = new Translation(new Gpa(address), shift, Writable(in r, rights, wanted, access), (value & G) != 0 && (r.Cr4 & Cr4.PGE) != 0);
                fault = default;
                return true;
            }

            table = value & AddressMask;
        }
    }

    /// <summary>Whether the page-directory pointers may be loaded: none that is present has a reserved bit set.</summary>
    /// <param name="memory">The guest's RAM, where they lie.</param>
    /// <param name="cr3">The CR3 that leads to them.</param>
    /// <remarks><i>Source</i>: Intel SDM Vol. 3A, 4.4.1 PDPTE Registers.</remarks>
    public static bool MayLoadPaePointers(GuestMemory memory, ulong cr3)
    {
        for (int i = 0; i < 4; i++)
        {
            ulong pointer = Read(memory, PaePointer(cr3, i), 0ul);
            if ((pointer & P) != 0 && (pointer & PaePointerReserved) != 0)
            {
                return false;
            }
        }

        return true;
    }

    private static Gpa PaePointer(ulong cr3, int index) => new((cr3 & 0xFFFF_FFE0) + ((ulong)index << 3));

    /// <summary>32-bit paging: two levels of 32-bit entries, 4 MiB pages with PSE (and PSE-36).</summary>
    /// <remarks><i>Source</i>: Intel SDM Vol. 3A, 4.3 32-Bit Paging.</remarks>
    private static bool TryWalk32(GuestMemory memory, ref readonly Registers r, uint gva, Access access, out Translation t, out GuestFault fault)
    {
    again:
        ulong table = r.Cr3 & 0xFFFF_F000;
        ulong rights = W | U | XD;
        for (int shift = 22; ; shift = 12)
        {
            Gpa place = new(table + ((ulong)((gva >> shift) & 1023) << 2));
            uint value = Read(memory, place, 0u);
            if ((value & P) == 0)
            {
                return Fail(in r, gva, access, 0, out t, out fault);
            }

            rights &= value | XD;
            bool leaf = shift == 12 || ((value & PS) != 0 && (r.Cr4 & Cr4.PSE) != 0);
            if (leaf && shift == 22 && (value & 0x20_0000) != 0)
            {
                return Fail(in r, gva, access, PageFaultCode.P | PageFaultCode.Rsvd, out t, out fault);
            }

            if (leaf && !Allowed(in r, rights, access))
            {
                return Fail(in r, gva, access, PageFaultCode.P, out t, out fault);
            }

            uint wanted = value | (uint)A | (leaf && (access & Access.Write) != 0 ? (uint)D : 0);
            if (!TryMark(memory, place, value, wanted))
            {
                goto again;
            }

            if (!leaf)
            {
                table = value & 0xFFFF_F000;
                continue;
            }

            ulong address = shift == 12
                ? (value & 0xFFFF_F000) | (gva & 0xFFF)
                : (value & 0xFFC0_0000) | ((ulong)((value >> 13) & 0xFF) << 32) | (gva & 0x3F_FFFF);
            t = new Translation(new Gpa(address), shift, Writable(in r, rights, wanted, access), (value & G) != 0 && (r.Cr4 & Cr4.PGE) != 0);
            fault = default;
            return true;
        }
    }
}
