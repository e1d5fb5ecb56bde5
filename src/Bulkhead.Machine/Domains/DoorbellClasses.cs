using Bulkhead.Devices.Channels;

namespace Bulkhead.Machine.Domains;

/// <summary>Has the doorbells of a domain's channels select classes of its vCPUs: of those that are awake, since which one an interrupt goes to
/// is the guest's matter.</summary>
/// <remarks><i>Threading</i>: any thread.</remarks>
internal sealed class DoorbellClasses(VcpuSlot[] slots) : IDoorbells
{
    /// <inheritdoc/>
    public void OnRung(int doorbell)
    {
        foreach (VcpuSlot slot in slots)
        {
            if (slot.Runnable || slot.IsWoken)
            {
                slot.Classes?.Ring(doorbell);
            }
        }
    }
}
