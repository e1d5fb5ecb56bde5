using Bulkhead.Core.Memory;
using Bulkhead.X86.Memory;
using Bulkhead.X86.State;
using CsCheck;
using Xunit;

namespace Bulkhead.X86.Tests.Memory;

public sealed class PageWalkerTests : IDisposable
{
    private const ulong P = 1, W = 2, U = 4, A = 0x20, D = 0x40, PS = 0x80, G = 0x100, XD = 1ul << 63;
    private const ulong Root = 0x1000;

    private readonly GuestMemory _memory = new("walk", 1 << 20);

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void TryWalk_RandomTablesAndRights_AgreesWithTheModel()
    {
        Gen<ulong> flags = Gen.Select(Gen.Int[0, 9], Gen.ULong, (odds, bits) =>
            (odds == 0 ? bits & P : P) | (bits & (W | U | G | A | D | XD)) | (odds == 1 ? bits & PS : 0)
            | (odds == 2 ? (bits & 3) << 50 : 0) | (odds == 3 ? bits & (0x1Ful << 13) : 0));
        Gen<ulong[]> entries = flags.Array[4];
        Gen<(ulong[] Entries, ulong Gva, int LeafLevel, int Access, bool Wp, int Cr4, bool Nxe)> scene =
            Gen.Select(entries, Gen.ULong[0, 0x7FFF_FFFF_FFFF], Gen.Int[0, 2], Gen.Int[0, 15], Gen.Bool, Gen.Int[0, 7], Gen.Bool);
        scene.Sample(s =>
        {
            Access access = (Access)s.Access;
            if ((access & (Access.Write | Access.Fetch)) == (Access.Write | Access.Fetch))
            {
                return;
            }

            Registers r = default;
            r.Cr0 = Cr0.PE | Cr0.PG | (s.Wp ? Cr0.WP : 0);
            r.Cr3 = Root;
            r.Cr4 = Cr4.PAE | ((s.Cr4 & 1) != 0 ? Cr4.SMEP : 0) | ((s.Cr4 & 2) != 0 ? Cr4.SMAP : 0) | ((s.Cr4 & 4) != 0 ? Cr4.PGE : 0);
            r.Efer = Efer.LME | Efer.Lma | (s.Nxe ? Efer.NXE : 0);

            // Level 0 is the PML4. The leaf is level 3, or 2 or 1 with PS.
            int leafLevel = 3 - s.LeafLevel;
            ulong[] tables = [Root, 0x2000, 0x3000, 0x4000];
            ulong[] values = new ulong[4];
            for (int level = 0; level <= leafLevel; level++)
            {
                ulong value = s.Entries[level];
                bool leaf = level == leafLevel;
                value &= leaf ? ulong.MaxValue : ~(0x1Ful << 13);
                value |= leaf ? 0x4_0000_0000ul & ~((1ul << (39 - (9 * level))) - 1) : tables[level + 1];
                value |= leaf && level < 3 ? PS : 0;
                values[level] = value;
                Assert.True(_memory.TryWriteUInt64(EntryAddress(tables[level], s.Gva, level), value));
            }

            (uint? code, ulong address, int shift, ulong after) = Model(values, tables, s.Gva, access, s.Wp, (s.Cr4 & 1) != 0, (s.Cr4 & 2) != 0, s.Nxe, out int last);

            bool leads = PageWalker.TryPeek(_memory, in r, s.Gva, out Gpa peeked);
            for (int level = 0; level <= leafLevel; level++)
            {
                Assert.True(_memory.TryReadUInt64(EntryAddress(tables[level], s.Gva, level), out ulong untouched));
                Assert.Equal(values[level], untouched);
            }

            bool ok = PageWalker.TryWalk(_memory, in r, s.Gva, access, out Translation t, out GuestFault fault);

            Assert.Equal(code is null, ok);
            if (code is uint expected)
            {
                Assert.Equal(GuestFault.PageFault(s.Gva, expected), fault);
            }
            else
            {
                Assert.True(leads);
                Assert.Equal(address, peeked.Value);
                Assert.Equal(address, t.Address.Value);
                Assert.Equal(shift, t.PageShift);
                Assert.True(_memory.TryReadUInt64(EntryAddress(tables[last], s.Gva, last), out ulong stored));
                Assert.Equal(after, stored);
                for (int level = 0; level < last; level++)
                {
                    Assert.True(_memory.TryReadUInt64(EntryAddress(tables[level], s.Gva, level), out stored));
                    Assert.Equal(values[level] | A, stored);
                }
            }
        }, iter: 20_000, threads: 1);
    }

    [Fact]
    public void TryWalk_PagingOff_IsIdentityOf32Bits()
    {
        Registers r = default;

        Assert.True(PageWalker.TryWalk(_memory, in r, 0x1_0000_1234, Access.Write, out Translation t, out _));

        Assert.Equal(0x1234ul, t.Address.Value);
        Assert.True(t.Writable);
    }

    [Fact]
    public void TryWalk_NonCanonical_IsGeneralProtection()
    {
        Registers r = Long();

        Assert.False(PageWalker.TryWalk(_memory, in r, 0x8000_0000_0000, Access.Read, out _, out GuestFault fault));

        Assert.Equal(GuestFault.Gp(), fault);
    }

    [Fact]
    public void TryWalk_TableOutsideRam_IsReservedBitFault()
    {
        Registers r = Long();
        Assert.True(_memory.TryWriteUInt64(new Gpa(Root), 0x10_0000_0000 | P | W | U));

        Assert.False(PageWalker.TryWalk(_memory, in r, 0, Access.Read, out _, out GuestFault fault));

        Assert.Equal(PageFaultCode.P | PageFaultCode.Rsvd, fault.ErrorCode);
    }

    [Fact]
    public void TryWalk_TablesInMemoryThatTakesNoWrites_LeadsThereWithoutFlags()
    {
        const ulong table = GuestMemory.ProtectedStart;
        Registers r = Long();
        Assert.True(_memory.TryWriteUInt64(new Gpa(table), (table + 0x1000) | P | W));
        Assert.True(_memory.TryWriteUInt64(new Gpa(table + 0x1000), (table + 0x2000) | P | W));
        Assert.True(_memory.TryWriteUInt64(new Gpa(table + 0x2000), P | W | PS));
        Assert.True(_memory.TryWriteUInt32(new Gpa(table + 0x3000), 0x83));
        _memory.Protect(1);

        r.Cr3 = table;
        Assert.True(PageWalker.TryWalk(_memory, in r, 0x123, Access.Write, out Translation wide, out _));
        Assert.True(PageWalker.TryPeek(_memory, in r, 0x123, out Gpa peeked));
        r.Efer = 0;
        r.Cr3 = table + 0x1000;
        Assert.True(PageWalker.TryWalk(_memory, in r, 0x456, Access.Write, out Translation pae, out _));
        r.Cr4 = Cr4.PSE;
        r.Cr3 = table + 0x3000;
        Assert.True(PageWalker.TryWalk(_memory, in r, 0x789, Access.Write, out Translation narrow, out _));

        Assert.Equal((0x123ul, 0x123ul, 0x456ul, 0x789ul), (wide.Address.Value, peeked.Value, pae.Address.Value, narrow.Address.Value));
        Assert.True(_memory.TryReadUInt64(new Gpa(table), out ulong entry));
        Assert.Equal(0ul, entry & A);
    }

    [Fact]
    public void TryWalk_ReadOfCleanPage_IsNotWritableAndLeavesDirtyClear()
    {
        Registers r = Long();
        MapLong(0x5000 | P | W);

        Assert.True(PageWalker.TryWalk(_memory, in r, 0x123, Access.Read, out Translation t, out _));
        Assert.True(_memory.TryReadUInt64(new Gpa(0x4000), out ulong clean));
        Assert.True(PageWalker.TryWalk(_memory, in r, 0x123, Access.Write, out Translation written, out _));

        Assert.False(t.Writable);
        Assert.Equal(0ul, clean & D);
        Assert.True(written.Writable);
        Assert.Equal(0x5123ul, written.Address.Value);
    }

    [Fact]
    public void TryWalk_PaePages_TranslateAndFault()
    {
        Registers r = default;
        r.Cr0 = Cr0.PE | Cr0.PG | Cr0.WP;
        r.Cr4 = Cr4.PAE;
        r.Cr3 = Root;
        Assert.True(_memory.TryWriteUInt64(new Gpa(Root + 24), 0x2000 | P));
        Assert.True(_memory.TryWriteUInt64(new Gpa(0x2000), 0x20_0000 | P | PS));
        Assert.True(_memory.TryWriteUInt64(new Gpa(0x2008), 0x3000 | P | W));
        Assert.True(_memory.TryWriteUInt64(new Gpa(0x3008), 0x7000 | P | W));

        Assert.True(PageWalker.TryWalk(_memory, in r, 0xC000_0010, Access.Read, out Translation large, out _));
        Assert.True(PageWalker.TryWalk(_memory, in r, 0xC020_1010, Access.Write, out Translation small, out _));
        Assert.False(PageWalker.TryWalk(_memory, in r, 0xC000_0010, Access.Write, out _, out GuestFault fault));

        Assert.Equal((0x20_0010ul, 21), (large.Address.Value, large.PageShift));
        Assert.Equal((0x7010ul, 12), (small.Address.Value, small.PageShift));
        Assert.Equal(PageFaultCode.P | PageFaultCode.W, fault.ErrorCode);
    }

    [Fact]
    public void TryWalk_32BitPages_TranslateAndSetBits()
    {
        Registers r = default;
        r.Cr0 = Cr0.PE | Cr0.PG;
        r.Cr4 = Cr4.PSE;
        r.Cr3 = Root;
        Assert.True(_memory.TryWriteUInt32(new Gpa(Root), 0x2000 | 7));
        Assert.True(_memory.TryWriteUInt32(new Gpa(Root + 4), 0x40_0000 | 0x83));
        Assert.True(_memory.TryWriteUInt32(new Gpa(0x2004), 0x9000 | 7));

        Assert.True(PageWalker.TryWalk(_memory, in r, 0x1FFF, Access.Write | Access.User, out Translation small, out _));
        Assert.True(PageWalker.TryWalk(_memory, in r, 0x7F_FFFF, Access.Read, out Translation large, out _));
        Assert.False(PageWalker.TryWalk(_memory, in r, 0x7F_FFFF, Access.User, out _, out GuestFault fault));

        Assert.Equal(0x9FFFul, small.Address.Value);
        Assert.Equal(0x7F_FFFFul, large.Address.Value);
        Assert.Equal(PageFaultCode.P | PageFaultCode.U, fault.ErrorCode);
        Assert.True(_memory.TryReadUInt32(new Gpa(0x2004), out uint entry));
        Assert.Equal((uint)(0x9007 | A | D), entry);
    }

    private static Registers Long()
    {
        Registers r = default;
        r.Cr0 = Cr0.PE | Cr0.PG | Cr0.WP;
        r.Cr3 = Root;
        r.Cr4 = Cr4.PAE;
        r.Efer = Efer.LME | Efer.Lma | Efer.NXE;
        return r;
    }

    private void MapLong(ulong leaf)
    {
        Assert.True(_memory.TryWriteUInt64(new Gpa(Root), 0x2000 | P | W | U));
        Assert.True(_memory.TryWriteUInt64(new Gpa(0x2000), 0x3000 | P | W | U));
        Assert.True(_memory.TryWriteUInt64(new Gpa(0x3000), 0x4000 | P | W | U));
        Assert.True(_memory.TryWriteUInt64(new Gpa(0x4000), leaf));
    }

    private static Gpa EntryAddress(ulong table, ulong gva, int level) => new(table + (((gva >> (39 - (9 * level))) & 511) * 8));

    /// <summary>Paging as the manual words it, level by level, without any cleverness.</summary>
    private static (uint? Code, ulong Address, int Shift, ulong LeafAfter) Model(
        ulong[] values, ulong[] tables, ulong gva, Access access, bool wp, bool smep, bool smap, bool nxe, out int last)
    {
        bool write = access.HasFlag(Access.Write), user = access.HasFlag(Access.User), fetch = access.HasFlag(Access.Fetch);
        uint kind = (write ? 2u : 0) | (user ? 4u : 0) | (fetch && (smep || nxe) ? 16u : 0);
        bool allUser = true, allWrite = true, anyXd = false;
        for (int level = 0; ; level++)
        {
            last = level;
            ulong e = values[level];
            if ((e & P) == 0)
            {
                return (kind, 0, 0, 0);
            }

            int shift = 39 - (9 * level);
            bool leaf = level == 3 || (level is 1 or 2 && (e & PS) != 0);
            bool reserved = (e >> 46 & 0x3F) != 0 || (!nxe && (e & XD) != 0) || (level == 0 && (e & PS) != 0);
            for (int bit = 13; leaf && bit < shift; bit++)
            {
                reserved |= (e >> bit & 1) != 0;
            }

            if (reserved)
            {
                return (kind | 1 | 8, 0, 0, 0);
            }

            allUser &= (e & U) != 0;
            allWrite &= (e & W) != 0;
            anyXd |= (e & XD) != 0;
            if (!leaf)
            {
                continue;
            }

            bool allowed;
            if (user)
            {
                allowed = allUser && (!write || allWrite) && !(fetch && anyXd);
            }
            else if (fetch)
            {
                allowed = !anyXd && !(allUser && smep);
            }
            else
            {
                allowed = !(allUser && smap && !access.HasFlag(Access.SmapExempt)) && (!write || allWrite || !wp);
            }

            if (!allowed)
            {
                return (kind | 1, 0, 0, 0);
            }

            ulong offset = gva % (1ul << shift);
            ulong page = (e & 0x3FFF_FFFF_F000) >> shift << shift;
            return (null, page + offset, shift, e | A | (write ? D : 0));
        }
    }
}
