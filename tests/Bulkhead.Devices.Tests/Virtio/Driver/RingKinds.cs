using Bulkhead.Abi.Virtio;
using Xunit;

namespace Bulkhead.Devices.Tests.Virtio.Driver;

/// <summary>Every way rings can be, as features to negotiate.</summary>
internal static class RingKinds
{
    public const ulong Split = VirtioFeatures.Version1;
    public const ulong Packed = VirtioFeatures.Version1 | VirtioFeatures.PackedRing;

    /// <summary>Packed, by tables, event index, in order.</summary>
    public static TheoryData<bool, bool, bool, bool> All
    {
        get
        {
            var data = new TheoryData<bool, bool, bool, bool>();
            for (int i = 0; i < 16; i++)
            {
                data.Add((i & 1) != 0, (i & 2) != 0, (i & 4) != 0, (i & 8) != 0);
            }

            return data;
        }
    }

    public static ulong Features(bool packed, bool tables, bool eventIndex, bool inOrder = false) =>
        (packed ? Packed : Split)
        | (tables ? VirtioFeatures.IndirectDescriptors : 0)
        | (eventIndex ? VirtioFeatures.EventIndex : 0)
        | (inOrder ? VirtioFeatures.InOrder : 0);
}
