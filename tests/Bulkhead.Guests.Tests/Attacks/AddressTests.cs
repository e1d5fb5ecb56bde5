using Bulkhead.Guests.Tests.Harness;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Attacks;

/// <summary>Addresses at edges: of the canonical range, of 2^64 and 2^32, of pages, of RAM.</summary>
public sealed class AddressTests
{
    private const ulong High = 0xFFFF_FFFF_FFFF_F000;

    [Theory]
    [EngineSettings]
    public void Addresses_Over2To64_Wrap(string engine)
    {
        using Guest guest = new(engine);
        guest.Pages.Map(High, Layout.Free);
        guest.Write(0x100, 0xAAAA);
        guest.Write(Layout.Free + 0xFF8, 0x8877_6655_4433_2211);
        guest.Long(a =>
        {
            a.mov(rbx, -0x10L);
            a.mov(rax, __[rbx + 0x110]);
            a.mov(__[Layout.Data], rax);
            a.mov(rcx, 0x110L);
            a.mov(rax, __[rbx + rcx]);
            a.mov(__[Layout.Data + 8], rax);
            a.mov(rax, __[rbx + 8]); // the last eight bytes
            a.mov(__[Layout.Data + 16], rax);

            // Eight bytes from -4 on end at 3: canonical at both ends.
            a.mov(__qword_ptr[0], 0x0DDC_0FFE);
            a.mov(rax, __[rbx + 12]);
            a.mov(__[Layout.Data + 24], rax);
            a.mov(r15, rsp);
            a.xor(esp, esp);
            a.push(0x77); // to -8
            a.mov(rsp, r15);

            // 32-bit addresses wrap at 2^32.
            a.mov(ebx, -0x10);
            a.mov(rax, __[ebx + 0x110]);
            a.mov(__[Layout.Data + 32], rax);
            guest.Exit();
        });

        Assert.Equal(
            [0xAAAAul, 0xAAAA, 0x8877_6655_4433_2211, 0x0DDC_0FFE_8877_6655, 0xAAAA],
            Enumerable.Range(0, 5).Select(i => guest.Read(Layout.Data + (8 * (ulong)i))));
        Assert.Equal(0x77ul, guest.Read(Layout.Free + 0xFF8));
    }

    [Theory]
    [EngineSettings]
    public void CanonicalEdges_LastByteBelowAndFirstAbove_AreReached(string engine)
    {
        using Guest guest = new(engine);
        guest.Pages.Map(0x7FFF_FFFF_F000, Layout.Free);
        guest.Pages.Map(0xFFFF_8000_0000_0000, Layout.Free + 0x1000);
        guest.Write(Layout.Free + 0xFF8, 0x1122_3344_5566_7788);
        guest.Write(Layout.Free + 0x1000, 0x99);
        guest.Long(a =>
        {
            a.mov(rsi, 0x7FFF_FFFF_FFF8L);
            a.mov(rax, __[rsi]);
            a.mov(__[Layout.Data], rax);
            guest.Catch("over", () => a.mov(rax, __[rsi + 1]));
            guest.Catch("store over", () => a.mov(__[rsi + 4], rax));
            guest.Catch("rmw over", () => a.@lock.inc(__qword_ptr[rsi + 7]));
            a.mov(rdi, 0xFFFF_8000_0000_0000);
            a.mov(rax, __[rdi]);
            a.mov(__[Layout.Data + 8], rax);
            guest.Catch("under", () => a.mov(rax, __[rdi - 1]));
            guest.Exit();
        });

        guest.Expect((13, 0, "over"), (13, 0, "store over"), (13, 0, "rmw over"), (13, 0, "under"));
        Assert.Equal((0x1122_3344_5566_7788ul, 0x99ul), (guest.Read(Layout.Data), guest.Read(Layout.Data + 8)));
    }

    [Theory]
    [EngineSettings]
    public void CompatibilityMode_Over2To32_Wraps(string engine)
    {
        using Guest guest = new(engine);
        guest.Pages.Map(0xFFFF_F000, Layout.Free);
        guest.Pages.Map(0x1_0000_0000, Layout.Free + 0x1000); // must not be reached
        guest.Write(Layout.Free + 0xFF8, 0x8877_6655_4433_2211);
        guest.Write(Layout.Free + 0x1000, 0xBAD);
        guest.Write(0, 0x0DDC_0FFE);
        guest.Write(0x100, 0xAAAA);
        guest.Place(32, Layout.Code32, a =>
        {
            a.mov(eax, Layout.KernelDs);
            a.mov(ds, eax);
            a.mov(ebx, -0x10);
            a.mov(ecx, 0x110);
            a.mov(eax, __dword_ptr[ebx + ecx]);
            a.mov(__[Layout.Data], eax);
            a.mov(eax, __dword_ptr[ebx + 14]); // from FFFFFFFE on
            a.mov(__[Layout.Data + 8], eax);
            a.mov(eax, __dword_ptr[ebx + (ebx * 4) + 0x150]);
            a.mov(__[Layout.Data + 16], eax);
            guest.Exit();
        });
        guest.Long(a =>
        {
            a.push(Layout.Code32Cs);
            a.push((int)Layout.Code32);
            a.db(0x48, 0xCB);
        });

        Assert.Equal((0xAAAAul, 0x0FFE_8877ul, 0xAAAAul), (guest.Read(Layout.Data), guest.Read(Layout.Data + 8), guest.Read(Layout.Data + 16)));
    }

    [Theory]
    [EngineSettings]
    public void Operand_FromRamIntoMmio_ReachesBoth(string engine)
    {
        using Guest guest = new(engine);
        guest.Device.OnRead = static offset => 0xD0 + offset;
        guest.Pages.Map(Layout.Own, Layout.Free);
        guest.Pages.Map(Layout.Own + 0x1000, Layout.Device);
        guest.Write(Layout.Free + 0xFF8, 0x1111_1111_2222_2222);
        guest.Long(a =>
        {
            a.mov(rdi, Layout.Own + 0x1000);
            a.mov(rax, __[rdi - 4]);
            a.mov(__[Layout.Data], rax);
            a.mov(rax, 0x0102_0304_0506_0708L);
            a.mov(__[rdi - 4], rax);
            a.mov(__word_ptr[rdi + 8], 0x1234);
            a.add(__dword_ptr[rdi + 0x10], 1);
            guest.Exit();
        });

        Assert.Equal(0x0000_00D0_1111_1111ul, guest.Read(Layout.Data));
        Assert.Equal(0x0506_0708_2222_2222ul, guest.Read(Layout.Free + 0xFF8));
        Assert.Equal(
            [(0ul, 4, false, 0xD0ul), (0ul, 4, true, 0x0102_0304ul), (8ul, 2, true, 0x1234ul), (0x10ul, 4, false, 0xE0ul), (0x10ul, 4, true, 0xE1ul)],
            guest.Device.Accesses);
    }

    [Theory]
    [EngineSettings]
    public void PhysicalAddresses_BeyondRam_ReadOnesAndHarmNobody(string engine)
    {
        using Guest guest = new(engine);
        ulong[] outside = [Layout.Ram, 0xBFFF_F000, 0x1_0000_0000, (1ul << 45) | 0x1000];
        for (int i = 0; i < outside.Length; i++)
        {
            guest.Pages.Map(Layout.Own + ((ulong)i * 0x1000), outside[i]);
        }

        guest.Long(a =>
        {
            for (int i = 0; i < outside.Length; i++)
            {
                a.mov(rdi, Layout.Own + ((ulong)i * 0x1000) + 0x10);
                a.mov(__qword_ptr[rdi], 0x55);
                a.@lock.inc(__dword_ptr[rdi]);
                a.mov(rax, __[rdi]);
                a.mov(__[Layout.Data + (8 * (ulong)i)], rax);
                a.mov(ecx, 4);
                a.mov(eax, 0);
                a.rep.stosq();
            }

            guest.Exit();
        });

        Assert.All(Enumerable.Range(0, outside.Length), i => Assert.Equal(ulong.MaxValue, guest.Read(Layout.Data + (8 * (ulong)i))));
    }
}
