namespace Bulkhead.Devices.Virtio.Vsock;

/// <summary>What a connection between two domains carries, each way. The devices of both use it, and it is free when neither does any more.</summary>
/// <param name="owner">Where it is kept while it is free.</param>
/// <remarks><i>Threading</i>: as of its rings; <see cref="Leave"/> from any.</remarks>
internal sealed class RingPair(VsockEndpoint owner)
{
    private const int Ends = 2;

    private int _users = Ends;

    /// <summary>What the guest sent that asked.</summary>
    internal ByteRing Asked { get; } = new();

    /// <summary>What the other one sent.</summary>
    internal ByteRing Answered { get; } = new();

    /// <summary>One end is done with it.</summary>
    internal void Leave()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            Asked.Clear();
            Answered.Clear();
            _users = Ends;
            owner.Keep(this);
        }
    }
}
