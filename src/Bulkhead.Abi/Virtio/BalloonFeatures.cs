namespace Bulkhead.Abi.Virtio;

/// <summary>Feature bits of a memory balloon.</summary>
/// <remarks><i>Source</i>: VIRTIO 1.2, 5.5.3 Feature bits.</remarks>
public static class BalloonFeatures
{
    /// <summary>The driver reports pages it has no use for now.</summary>
    public const ulong Reporting = 1ul << 5;
}
