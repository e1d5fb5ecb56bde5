using Bulkhead.Guests.Tests.Harness;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Attacks;

/// <summary>BT, BTS, BTR and BTC with a register index reach 2^60 bytes to both sides.</summary>
public sealed class BitStringTests
{
    private const ulong Near = Layout.Own, Far = Layout.Own + 0x4000_0000, Behind = Layout.Own - 0x4000_0000;

    [Theory]
    [EngineSettings]
    public void Index_FarToBothSides_ReachesThatBitAlone(string engine)
    {
        using Guest guest = Prepare(engine);
        guest.Long(a =>
        {
            a.mov(rdi, Near + 0x100);
            a.mov(rcx, 8L * 0x4000_0000);
            a.bts(__qword_ptr[rdi], rcx); // bit 0 of Far + 100
            a.add(rcx, 63);
            a.bts(__qword_ptr[rdi], rcx);
            a.mov(rcx, (-8L * 0x4000_0000) - 1);
            a.bts(__qword_ptr[rdi], rcx); // bit 63 of Behind + F8
            a.@lock.btc(__qword_ptr[rdi], rcx);
            a.@lock.btc(__qword_ptr[rdi], rcx);
            a.bt(__qword_ptr[rdi], rcx);
            a.setc(__byte_ptr[Layout.Data]);
            a.mov(ecx, -1);
            a.bts(__dword_ptr[rdi], ecx); // a 32-bit index is signed: bit 31 of Near + FC
            a.mov(ecx, 0x8000);
            a.bts(__word_ptr[rdi + 0x1000], cx); // and a 16-bit one: 4096 bytes before
            a.mov(ecx, 0x45);
            a.btr(__qword_ptr[rdi + 0x10], rcx); // bit 5 of Near + 118
            guest.Exit();
        });

        Assert.Equal((1ul << 63) | 1, guest.Read(Layout.Free + 0x1100));
        Assert.Equal(1ul << 63, guest.Read(Layout.Free + 0x20F8));
        Assert.Equal(1ul, guest.Read(Layout.Data));
        Assert.Equal(1ul << 63, guest.Read(Layout.Free + 0xF8));
        Assert.Equal(1ul, guest.Read(Layout.Free + 0x100));
        Assert.Equal(ulong.MaxValue & ~(1ul << 5), guest.Read(Layout.Free + 0x118));
    }

    [Theory]
    [EngineSettings]
    public void Index_ToWhereNothingIs_FaultsThere(string engine)
    {
        using Guest guest = Prepare(engine);
        guest.Long(a =>
        {
            a.mov(rdi, Near);
            void Try(string name, long index, Action instruction)
            {
                a.mov(rcx, index);
                guest.Catch(name, instruction);
            }

            Try("absent", 8L * 0x2000, () => a.bt(__qword_ptr[rdi], rcx));
            Try("absent behind", -8L * 0x2000, () => a.bts(__qword_ptr[rdi], rcx));
            Try("most", long.MaxValue, () => a.btr(__qword_ptr[rdi], rcx));
            Try("least", long.MinValue, () => a.btc(__qword_ptr[rdi], rcx));
            Try("canonical edge", (0x7FFF_FFFF_FFFCL - (long)Near) * 8, () => a.bt(__qword_ptr[rdi + 4], rcx));
            guest.Exit();
        });

        Assert.Equal([14, 14, 13, 13, 13], guest.Events.Select(e => e.Vector));
        Assert.Equal([(0ul, Near + 0x2000), (2ul, Near - 0x2000)], guest.Events.Take(2).Select(e => (e.ErrorCode, e.Cr2)));
    }

    [Theory]
    [EngineSettings]
    public void Index_FromUserCodeToSupervisorPages_FaultsAndChangesNothing(string engine)
    {
        using Guest guest = Prepare(engine);
        guest.Pages.Map(Near, Layout.Free, PageBits.User);
        guest.Long(a =>
        {
            guest.ToUser();
            a.mov(rdi, Near);
            a.mov(rcx, 8L * 0x4000_0000);
            guest.Catch("bt", () => a.bt(__qword_ptr[rdi], rcx));
            guest.Catch("bts", () => a.bts(__qword_ptr[rdi], rcx));
            guest.Catch("lock btr", () => a.@lock.btr(__qword_ptr[rdi], rcx));
            guest.UserExit();
        });

        guest.Expect((14, 5, "bt"), (14, 7, "bts"), (14, 7, "lock btr"));
        Assert.All(guest.Events, e => Assert.Equal(Far, e.Cr2));
        Assert.Equal(0ul, guest.Read(Layout.Free + 0x1000));
    }

    private static Guest Prepare(string engine)
    {
        Guest guest = new(engine);
        guest.Pages.Map(Near, Layout.Free);
        guest.Pages.Map(Near + 0x1000, Layout.Free + 0x3000);
        guest.Pages.Map(Far, Layout.Free + 0x1000);
        guest.Pages.Map(Behind, Layout.Free + 0x2000);
        guest.Write(Layout.Free + 0x118, ulong.MaxValue);
        return guest;
    }
}
