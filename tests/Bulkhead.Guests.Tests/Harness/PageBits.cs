namespace Bulkhead.Guests.Tests.Harness;

/// <summary>Bits of a page-table entry.</summary>
[Flags]
internal enum PageBits : ulong
{
    None = 0,
    P = 1,
    W = 2,
    U = 4,
    A = 0x20,
    D = 0x40,
    PS = 0x80,
    G = 0x100,
    NX = 1ul << 63,

    /// <summary>A writable supervisor page.</summary>
    Kernel = P | W,

    /// <summary>A writable user page.</summary>
    User = P | W | U,
}
