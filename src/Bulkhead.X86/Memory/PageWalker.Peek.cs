using Bulkhead.Core.Memory;
using Bulkhead.X86.State;

namespace Bulkhead.X86.Memory;

/// <content>A walk that leaves no trace.</content>
public static unsafe partial class PageWalker
{
    /// <summary>Where an address leads under 4-level paging, for who only wants to know: no right is asked for, no flag is set.</summary>
    /// <param name="memory">The guest's RAM, where the tables lie.</param>
    /// <param name="r">The state, for CR3.</param>
    /// <param name="gva">The linear address.</param>
    /// <param name="address">The physical address, where the result is true.</param>
    public static bool TryPeek(GuestMemory memory, ref readonly Registers r, ulong gva, out Gpa address)
    {
        ulong table = r.Cr3 & AddressMask;
        for (int shift = 39; ; shift -= 9)
        {
            ulong value = Read(memory, new Gpa(table + (((gva >> shift) & 511) << 3)), 0ul);
            ulong offset = gva & ((1ul << shift) - 1);
            address = new Gpa((value & AddressMask & ~((1ul << shift) - 1)) | offset);
            if ((value & P) == 0)
            {
                return false;
            }

            if (shift == 12 || ((value & PS) != 0 && shift != 39))
            {
                return true;
            }

            table = value & AddressMask;
        }
    }
}
