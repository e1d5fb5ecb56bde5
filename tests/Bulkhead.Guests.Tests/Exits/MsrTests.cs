using Bulkhead.Guests.Tests.Harness;
using Bulkhead.X86.Msrs;
using Iced.Intel;
using Xunit;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Exits;

/// <summary>WRMSR of registers that translated code writes by itself, and of their neighbours.</summary>
public sealed class MsrTests
{
    private const ulong Found = Layout.Free;

    private static readonly uint[] s_registers = [Msr.FsBase, Msr.GsBase, Msr.KernelGsBase, Msr.TscAux, Msr.Lstar, Msr.SysenterCs];

    private static readonly ulong[] s_values =
    [
        0, 1, 0x1234_5678, uint.MaxValue, 0x1_0000_0000, 0x7FFF_FFFF_FFFF, 0xFFFF_8000_0000_0000, ulong.MaxValue,
        0x8000_0000_0000, 0xFFFF_7FFF_FFFF_FFFF, 0x8000_0000_0000_0000,
    ];

    [Theory]
    [EngineSettings]
    public void Wrmsr_OfEveryValue_IsReadBackOrRefused(string engine)
    {
        using Guest guest = new(engine);
        guest.Long(a =>
        {
            Label again = a.CreateLabel();
            a.mov(r8d, 2);
            a.mov(rdi, Found);
            a.Label(ref again);
            foreach (uint register in s_registers)
            {
                guest.Msr(register, 0x42);
                foreach (ulong value in s_values)
                {
                    a.mov(ecx, register);
                    a.mov(rax, 0xDEAD_BEEF_0000_0000 | (uint)value);
                    a.mov(rdx, 0xDEAD_BEEF_0000_0000 | (value >> 32));
                    a.mov(rbx, 0);
                    a.stc(); // WRMSR leaves flags alone
                    guest.Catch(a.wrmsr);
                    a.setc(bl);
                    a.rdmsr();
                    a.shl(rdx, 32);
                    a.or(rax, rdx);
                    a.mov(__[rdi], rax);
                    a.mov(__[rdi + 8], rbx);
                    a.add(rdi, 16);
                }
            }

            a.dec(r8d);
            a.jne(again);
            guest.Exit();
        });

        int at = 0;
        var refused = 0;
        for (int round = 0; round < 2; round++)
        {
            foreach (uint register in s_registers)
            {
                ulong last = 0x42;
                foreach (ulong value in s_values)
                {
                    bool narrow = register is Msr.TscAux or Msr.SysenterCs;
                    bool canonical = (long)(value << 16) >> 16 == (long)value;
                    bool taken = narrow ? register == Msr.SysenterCs || guest.IsAmd || value <= uint.MaxValue : canonical;
                    last = !taken ? last : narrow ? (uint)value : value;
                    refused += taken ? 0 : 1;
                    Assert.Equal((register, value, last, 1ul), (register, value, guest.Read(Found + (ulong)at), guest.Read(Found + (ulong)at + 8)));
                    at += 16;
                }
            }
        }

        Assert.Equal(refused, guest.Events.Count);
        Assert.All(guest.Events, static e => Assert.Equal((13, 0ul), (e.Vector, e.ErrorCode)));
    }

    [Theory]
    [EngineSettings]
    public void Wrmsr_OfBases_TakesEffectAtOnce(string engine)
    {
        using Guest guest = new(engine);
        for (ulong i = 0; i < 8; i++)
        {
            guest.Write(Layout.Data + (8 * i), 100 + i);
        }

        guest.Long(a =>
        {
            Label again = a.CreateLabel();
            a.mov(esi, 7);
            a.Label(ref again);
            a.lea(r8, __[rsi * 8 + (int)Layout.Data]);
            foreach (uint register in (ReadOnlySpan<uint>)[Msr.FsBase, Msr.GsBase, Msr.TscAux])
            {
                a.mov(ecx, register);
                a.mov(rax, r8);
                a.mov(edx, 0);
                a.wrmsr();
            }

            a.mov(rbx, __qword_ptr.fs[0]);
            a.mov(__[rsi * 8 + (int)Found], rbx);
            a.mov(rbx, __qword_ptr.gs[0]);
            a.mov(__[rsi * 8 + (int)Found + 64], rbx);
            a.rdtscp();
            a.mov(__[rsi * 8 + (int)Found + 128], rcx);
            a.dec(esi);
            a.jns(again);
            guest.Exit();
        });

        for (ulong i = 0; i < 8; i++)
        {
            Assert.Equal(
                (100 + i, 100 + i, Layout.Data + (8 * i)),
                (guest.Read(Found + (8 * i)), guest.Read(Found + 64 + (8 * i)), guest.Read(Found + 128 + (8 * i))));
        }
    }
}
