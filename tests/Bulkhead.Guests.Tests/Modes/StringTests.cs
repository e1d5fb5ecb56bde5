using Bulkhead.Guests.Tests.Harness;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Modes;

/// <summary>String instructions without a prefix in 32-bit code, which are emitted.</summary>
public sealed class StringTests
{
    [Theory]
    [EngineSettings]
    public void Strings_Of32BitCode_MoveElementByElement(string engine)
    {
        const ulong target = Layout.Data + 0xFFD; // into the next page
        using Guest guest = new(engine);
        for (ulong i = 0; i < 64; i += 8)
        {
            guest.Write(Layout.Data + i, 0x0706_0504_0302_0100 + (i * 0x0101_0101_0101_0101));
        }

        guest.Protected(a =>
        {
            Label next = a.CreateLabel();
            a.mov(esi, (int)Layout.Data);
            a.mov(edi, (int)target);
            a.mov(ecx, 4);
            a.mov(eax, 0xAABB);
            a.Label(ref next);
            a.movsb();
            a.movsd();
            a.stosw();
            a.dec(ecx);
            a.jne(next);
            a.std();
            a.movsb();
            a.cld();
            a.mov(__[Layout.Data + 0x100], esi);
            a.mov(__[Layout.Data + 0x108], edi);
            guest.Exit();
        });

        List<byte> expected = [];
        for (byte i = 0; i < 20; i += 5)
        {
            expected.AddRange([i, (byte)(i + 1), (byte)(i + 2), (byte)(i + 3), (byte)(i + 4), 0xBB, 0xAA]);
        }

        expected.Add(20);
        byte[] bytes = new byte[expected.Count];
        Assert.True(guest.Memory.TryRead(new Bulkhead.Core.Memory.Gpa(target), bytes));
        Assert.Equal(expected, bytes);
        Assert.Equal((Layout.Data + 19, target + 27), (guest.Read(Layout.Data + 0x100), guest.Read(Layout.Data + 0x108)));
    }
}
