using Bulkhead.Core.Memory;
using Bulkhead.Core.Time;
using Bulkhead.X86.Memory;

namespace Bulkhead.Machine;

/// <summary>What an engine gets to make one vCPU.</summary>
/// <param name="Domain">The domain's name.</param>
/// <param name="Index">The vCPU's number and APIC id.</param>
/// <param name="Count">How many vCPUs the domain has.</param>
/// <param name="Memory">The domain's RAM; the same object for all its vCPUs.</param>
/// <param name="Clock">The domain's clock.</param>
/// <param name="CpuModel">The CPU model's name.</param>
/// <param name="PhysicalBits">How many bits a physical address has, as far as the guest is told.</param>
/// <param name="Image">The file that what it runs comes from; null where nothing is to be kept of it.</param>
public sealed record VcpuRequest(
    string Domain, int Index, int Count, GuestMemory Memory, IClock Clock, string CpuModel, int PhysicalBits = PageWalker.PhysicalBits, string? Image = null);
