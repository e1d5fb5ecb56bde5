namespace Bulkhead.Devices.Virtio.Vsock;

/// <summary>What a guest's connection leads to.</summary>
/// <remarks><i>Threading</i>: the device's executor.</remarks>
internal abstract class FarEnd(ByteRing outgoing)
{
    /// <summary>What the guest sent and nobody took yet.</summary>
    internal ByteRing Outgoing => outgoing;

    /// <summary>The connection it belongs to, once there is one.</summary>
    internal VsockConnection? Connection { get; set; }

    /// <summary>Whether it takes nothing more.</summary>
    internal abstract bool IsDeaf { get; }

    /// <summary>Takes what came: how many bytes, 0 for none now, or -1 where nothing comes any more.</summary>
    internal abstract int Receive(Span<byte> into);

    /// <summary>Whether something may have come, as far as is known.</summary>
    internal abstract bool MayReceive { get; }

    /// <summary>Sends on what waits, as far as it goes.</summary>
    internal abstract void Flush();

    /// <summary>The guest accepted.</summary>
    internal abstract void Accept(uint hostPort);

    /// <summary>The guest sends no more: after what waits comes the end.</summary>
    internal abstract void EndSending();

    /// <summary>The guest receives no more.</summary>
    internal abstract void EndReceiving();

    /// <summary>The guest neither sends nor receives; true where nothing is left to do for what waits.</summary>
    internal abstract bool Finish();

    /// <summary>Ends it at once.</summary>
    internal abstract void Close();
}
