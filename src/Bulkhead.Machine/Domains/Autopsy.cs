using System.Text;
using Bulkhead.X86.Engine;
using Bulkhead.X86.State;

namespace Bulkhead.Machine.Domains;

/// <summary>Words for how a vCPU stopped: where it was and what it did most.</summary>
internal static class Autopsy
{
    private const int MostExits = 6;

    internal static string Describe(VcpuSlot slot, string what)
    {
        ref Registers r = ref slot.Vcpu.Registers;
        var text = new StringBuilder();
        _ = text.Append(System.Globalization.CultureInfo.InvariantCulture, $"vCPU {slot.Index}: {what} at RIP {r.Rip:x16} (CS {r.Segments[(int)SegmentIndex.Cs].Selector:x4}, {r.CodeBits}-bit, CPL {r.Cpl})");
        _ = text.Append(System.Globalization.CultureInfo.InvariantCulture, $", RFLAGS {r.Rflags:x}, CR0 {r.Cr0:x}, CR2 {r.Cr2:x}, CR3 {r.Cr3:x}, CR4 {r.Cr4:x}, EFER {r.Efer:x}; exits:");
        ExitReason[] reasons = Enum.GetValues<ExitReason>();
        Array.Sort(reasons, (a, b) => slot.Exits[b].CompareTo(slot.Exits[a]));
        foreach (ExitReason reason in reasons.AsSpan(0, MostExits))
        {
            if (slot.Exits[reason] > 0)
            {
                _ = text.Append(System.Globalization.CultureInfo.InvariantCulture, $" {reason} {slot.Exits[reason]}");
            }
        }

        return text.ToString();
    }
}
