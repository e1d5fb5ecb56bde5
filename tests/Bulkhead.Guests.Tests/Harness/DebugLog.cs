using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Bulkhead.Guests.Tests.Harness;

/// <summary>What a handler of #DB for debuggers wrote down: it reads and clears DR6, and returns with RF set.</summary>
internal sealed class DebugLog(ulong[] words)
{
    /// <summary>The handler returns with RF set only when it has run more often than the number here.</summary>
    public const ulong Patience = Layout.Data + 0x7FF0;

    private const ulong Handler = Layout.Code + 0x8000, Count = Layout.Data + 0x7FF8, Log = Layout.Data + 0x8000;
    private const int Most = 100;

    public ulong Dr6 => words[0];

    /// <summary>B0-B3.</summary>
    public ulong Hits => words[0] & 15;

    public ulong Rip => words[1];

    public ulong Cs => words[2];

    public ulong Rflags => words[3];

    public ulong Rcx => words[4];

    public ulong Rsi => words[5];

    public ulong Rdi => words[6];

    public ulong Rbx => words[7];

    /// <summary>What was written down.</summary>
    public static IReadOnlyList<DebugLog> Of(Guest guest) =>
        [.. Enumerable.Range(0, (int)guest.Read(Count)).Select(i => new DebugLog([.. Enumerable.Range(0, 8).Select(w => guest.Read(Log + (ulong)((i * 64) + (w * 8))))]))];

    /// <summary>Makes the handler the guest's for #DB in long mode.</summary>
    public static void Install(Guest guest)
    {
        guest.Gate(1, Handler, ist: 2);
        guest.Place(64, Handler, static a =>
        {
            Label lost = a.CreateLabel(), again = a.CreateLabel();
            a.push(rax);
            a.push(rdx);
            a.mov(rdx, __[Count]);
            a.cmp(rdx, Most);
            a.jae(lost);
            a.inc(__qword_ptr[Count]);
            a.shl(rdx, 6);
            a.add(rdx, (int)Log);
            a.mov(rax, dr6);
            a.mov(__[rdx], rax);
            for (int i = 0; i < 3; i++)
            {
                a.mov(rax, __[rsp + 16 + (8 * i)]);
                a.mov(__[rdx + 8 + (8 * i)], rax);
            }

            a.mov(__[rdx + 32], rcx);
            a.mov(__[rdx + 40], rsi);
            a.mov(__[rdx + 48], rdi);
            a.mov(__[rdx + 56], rbx);
            a.mov(eax, 0xFFFF_0FF0);
            a.mov(dr6, rax);
            a.mov(rax, __[Count]);
            a.cmp(rax, __[Patience]);
            a.jbe(again);
            a.or(__dword_ptr[rsp + 32], 0x1_0000);
            a.Label(ref again);
            a.pop(rdx);
            a.pop(rax);
            a.iretq();
            a.Label(ref lost);
            a.mov(eax, Handlers.Unexpected);
            a.@out(0xF4, eax);
            a.hlt();
        });
    }

    public override string ToString() => $"dr6 {Dr6:x} at {Cs:x}:{Rip:x} flags {Rflags:x} rcx {Rcx:x} rsi {Rsi:x} rdi {Rdi:x} rbx {Rbx:x}";
}
