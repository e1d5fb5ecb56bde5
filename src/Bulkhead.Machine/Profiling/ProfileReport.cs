using System.Globalization;
using Bulkhead.Machine.Domains;
using Bulkhead.Machine.Symbols;
using Bulkhead.X86.Engine;

namespace Bulkhead.Machine.Profiling;

/// <summary>Where the code of a domain's guest spent its time, as text: functions of its kernel, then single instructions.</summary>
/// <remarks>The domain has ended. An instruction gets the samples of the check before its successor's memory access too.</remarks>
public static class ProfileReport
{
    private const int MostInstructions = 1000;

    /// <summary>Writes the report.</summary>
    public static void Write(TextWriter writer, Domain domain)
    {
        var places = new Dictionary<ulong, long>();
        foreach (VcpuProfile profile in domain.Vcpus.Select(static v => v.Profile).OfType<VcpuProfile>())
        {
            foreach ((ulong rip, long count) in profile.Places)
            {
                places[rip] = places.GetValueOrDefault(rip) + count;
            }
        }

        using KernelSymbols? symbols = domain.Memory is null ? null : Autopsy.FindSymbols(ref domain.Slots[0].Vcpu.Registers, domain.Memory);
        Write(writer, domain.Name, places, rip => symbols is not null && symbols.TryName(rip, out string name) ? name : null);
    }

    /// <summary>The same of any samples; <paramref name="nameOf"/> knows the kernel's symbols, as <c>name+offset/size</c>.</summary>
    internal static void Write(TextWriter writer, string domain, IReadOnlyDictionary<ulong, long> places, Func<ulong, string?> nameOf)
    {
        long all = places.Values.Sum();
        writer.WriteLine($"# {domain}: {all} samples of guest code, one a millisecond");
        writer.WriteLine();
        writer.WriteLine("#  share  samples  function");
        foreach (IGrouping<string, KeyValuePair<ulong, long>> f in places.GroupBy(p => FunctionOf(p.Key, nameOf)).OrderByDescending(static g => g.Sum(static p => p.Value)))
        {
            WriteRow(writer, f.Sum(static p => p.Value), all, f.Key);
        }

        writer.WriteLine();
        writer.WriteLine("#  share  samples  instruction pointer");
        foreach ((ulong rip, long count) in places.OrderByDescending(static p => p.Value).ThenBy(static p => p.Key).Take(MostInstructions))
        {
            WriteRow(writer, count, all, $"{rip:x16} {(IsKernel(rip) ? nameOf(rip) : null)}".TrimEnd());
        }
    }

    private static void WriteRow(TextWriter writer, long count, long all, string what) =>
        writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{100.0 * count / all,7:F2}% {count,8}  {what}"));

    // Of user code no symbols are known: its page stands for the function.
    private static string FunctionOf(ulong rip, Func<ulong, string?> nameOf) =>
        !IsKernel(rip) ? $"user page {rip & ~0xFFFul:x12}"
        : nameOf(rip) is { } name ? name[..name.IndexOf('+', StringComparison.Ordinal)]
        : $"kernel page {rip & ~0xFFFul:x16}";

    private static bool IsKernel(ulong rip) => (long)rip < 0;
}
