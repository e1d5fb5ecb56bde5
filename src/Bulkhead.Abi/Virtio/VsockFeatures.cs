namespace Bulkhead.Abi.Virtio;

/// <summary>Feature bits of a socket device.</summary>
/// <remarks><i>Source</i>: VIRTIO 1.2, 5.10.3 Feature bits.</remarks>
public static class VsockFeatures
{
    /// <summary>There are stream sockets; so there are where no bit is set.</summary>
    public const ulong Stream = 1ul << 0;
}
