using System.Globalization;
using System.Text;
using Bulkhead.Core.Memory;
using Bulkhead.Machine.Symbols;
using Bulkhead.X86.Engine;
using Bulkhead.X86.Memory;
using Bulkhead.X86.State;

namespace Bulkhead.Machine.Domains;

/// <summary>Words for how a vCPU stopped: where it was, what it did last and most.</summary>
/// <remarks><i>Cost</i>: looks through up to 128 MiB of guest RAM, so not on a worker. The domain is parked.</remarks>
internal static class Autopsy
{
    private const int MostExits = 6;

    // Where Linux maps its image, KASLR or not.
    private const ulong KernelImage = 0xFFFF_FFFF_8000_0000;

    internal static string Describe(VcpuSlot slot, string what, GuestMemory? memory)
    {
        ref Registers r = ref slot.Vcpu.Registers;
        string symbol = memory is null ? string.Empty : NameOf(ref r, memory);
        var text = new StringBuilder();
        _ = text.Append(CultureInfo.InvariantCulture, $"{what}; vCPU {slot.Index} at RIP {r.Rip:x16}{symbol} (CS {r.Segments[(int)SegmentIndex.Cs].Selector:x4}, {r.CodeBits}-bit, CPL {r.Cpl})");
        _ = text.Append(CultureInfo.InvariantCulture, $", RFLAGS {r.Rflags:x}, CR0 {r.Cr0:x}, CR2 {r.Cr2:x}, CR3 {r.Cr3:x}, CR4 {r.Cr4:x}, EFER {r.Efer:x}");
        _ = text.Append("; last exits: ").AppendJoin(", ", slot.Exits.Last()).Append("; most:");
        ExitReason[] reasons = Enum.GetValues<ExitReason>();
        Array.Sort(reasons, (a, b) => slot.Exits[b].CompareTo(slot.Exits[a]));
        foreach (ExitReason reason in reasons.AsSpan(0, MostExits))
        {
            if (slot.Exits[reason] > 0)
            {
                _ = text.Append(CultureInfo.InvariantCulture, $" {reason} {slot.Exits[reason]}");
            }
        }

        return text.ToString();
    }

    // The image is contiguous in RAM, so any address in it leads to the tables: RIP, or else where SYSCALL enters.
    private static string NameOf(ref Registers r, GuestMemory memory)
    {
        using KernelSymbols? symbols = r.Rip >= KernelImage ? FindSymbols(ref r, memory) : null;
        return symbols is not null && symbols.TryName(r.Rip, out string name) ? $" {name}" : string.Empty;
    }

    /// <summary>The symbols of the kernel a vCPU stopped in, or was last in, which the caller disposes; null where they are not found.</summary>
    internal static KernelSymbols? FindSymbols(ref Registers r, GuestMemory memory)
    {
        if (!r.LongMode)
        {
            return null;
        }

        Translation at = default;
        bool mapped = (r.Rip >= KernelImage && PageWalker.TryWalk(memory, in r, r.Rip, Access.Read, out at, out _))
            || PageWalker.TryWalk(memory, in r, r.Lstar, Access.Read, out at, out _);
        return mapped ? KallsymsFinder.Find(memory, at.Address) : null;
    }
}
