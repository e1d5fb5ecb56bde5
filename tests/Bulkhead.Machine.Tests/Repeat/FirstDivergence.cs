using System.Globalization;
using System.Text;
using Bulkhead.X86.Engine;
using Bulkhead.X86.State;

namespace Bulkhead.Machine.Tests.Repeat;

/// <summary>Finds the first instruction after which two boots differ.</summary>
internal static class FirstDivergence
{
    private static readonly string[] s_names = ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"];

    /// <summary>Looks in ever smaller steps between <paramref name="from"/>, where both agree, and one interval later, where they do not.</summary>
    /// <returns>After which instruction they differ, and both states there, in words.</returns>
    internal static (ulong Instruction, string Words) Find(CountedBoot a, CountedBoot b, ulong from, ulong interval)
    {
        while (interval > 1)
        {
            ulong step = Math.Max(interval / 100, 1);
            List<ulong> inA = Window(a, from, interval, step, static vcpu => StateHash.Of(in vcpu.Registers));
            List<ulong> inB = Window(b, from, interval, step, static vcpu => StateHash.Of(in vcpu.Registers));
            int same = inA.Zip(inB).TakeWhile(static p => p.First == p.Second).Count();
            if (same == inA.Count)
            {
                throw new InvalidOperationException($"No difference was seen up to {interval} instructions after {from}, every {step}.");
            }

            from += (ulong)same * step;
            interval = step;
        }

        ulong at = from + 1;
        string before = from == 0 ? "  power-up" : Window(a, from - 1, 1, 1, Describe)[0];
        string[] after = [.. new[] { a, b }.Select(boot => $"{boot}\n{Window(boot, from, 1, 1, Describe)[0]}")];
        return (at, $"first difference after instruction {at}\nbefore\n{before}\n{string.Join('\n', after)}");
    }

    /// <summary>What a look gives at from + step, from + 2 step, ... up to from + interval.</summary>
    private static List<T> Window<T>(CountedBoot boot, ulong from, ulong interval, ulong step, Func<ICountingVcpu, T> look)
    {
        var seen = new List<T>();
        _ = boot.Run(from + step, step, (count, vcpu) =>
        {
            seen.Add(look(vcpu));
            return count < from + interval;
        });
        return seen;
    }

    private static unsafe string Describe(ICountingVcpu vcpu)
    {
        ref Registers r = ref vcpu.Registers;
        var text = new StringBuilder();
        _ = text.Append(CultureInfo.InvariantCulture, $"  rip {r.Rip:x} rflags {r.Rflags:x} cr2 {r.Cr2:x} cr3 {r.Cr3:x}\n ");
        for (int i = 0; i < 16; i++)
        {
            _ = text.Append(CultureInfo.InvariantCulture, $" {s_names[i]} {r.Gpr[i]:x}");
        }

        return text.ToString();
    }
}
