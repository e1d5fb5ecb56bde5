using Bulkhead.Guests.Tests.Harness;

namespace Bulkhead.Guests.Tests.Paging;

/// <summary>What the processor answers to an access, by the manual's words and nothing of ours.</summary>
/// <remarks><i>Source</i>: Intel SDM Vol. 3A, 4.6 Access Rights, 4.7 Page-Fault Exceptions.</remarks>
internal readonly record struct PermissionModel(bool Wp, bool Smep, bool Smap, bool Nxe)
{
    /// <summary>The page-fault error code, or -1 where the access is allowed.</summary>
    public int Answer(PageBits upper, PageBits leaf, bool user, bool write, bool fetch, bool ac)
    {
        int code = (write ? 2 : 0) | (user ? 4 : 0) | (fetch && (Smep || Nxe) ? 16 : 0);
        foreach (PageBits entry in (ReadOnlySpan<PageBits>)[upper, leaf])
        {
            if ((entry & PageBits.P) == 0)
            {
                return code;
            }

            if ((entry & PageBits.NX) != 0 && !Nxe)
            {
                return code | 1 | 8; // bit 63 is reserved
            }
        }

        bool userPage = (upper & leaf & PageBits.U) != 0;
        bool writable = (upper & leaf & PageBits.W) != 0;
        bool executable = ((upper | leaf) & PageBits.NX) == 0;
        bool allowed = (user, write, fetch) switch
        {
            (true, _, true) => userPage && executable,
            (true, false, _) => userPage,
            (true, true, _) => userPage && writable,
            (false, _, true) => executable && !(userPage && Smep),
            (false, false, _) => !userPage || !Smap || ac,
            (false, true, _) => (!userPage || !Smap || ac) && (writable || !Wp),
        };
        return allowed ? -1 : code | 1;
    }
}
