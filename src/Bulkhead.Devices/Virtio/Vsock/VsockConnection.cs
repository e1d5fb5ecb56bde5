using System.Diagnostics;
using Bulkhead.Abi.Virtio;

namespace Bulkhead.Devices.Virtio.Vsock;

/// <summary>One connection of the guest: what it may send, what it may be sent, and which packets it is owed.</summary>
/// <remarks>
/// <para><i>Threading</i>: the device's executor.</para>
/// <para><i>Source</i>: VIRTIO 1.2, 5.10.6.3 Buffer Space Management; 5.10.6.6 Stream Sockets.</para>
/// </remarks>
internal sealed class VsockConnection(FarEnd far, ulong id)
{
    private const uint CreditStep = ByteRing.Capacity / 4;

    private uint _received; // of the guest, ever
    private uint _dropped; // of that, what came when nobody took it any more
    private uint _told; // how much of it the guest knows was forwarded
    private uint _sent; // to the guest, ever
    private uint _guestForwarded;
    private uint _guestBuffers;
    private VsockShutdown _guestEnded;
    private VsockShutdown _farEnded;
    private bool _owesCredit;
    private bool _owesAnswer;
    private bool _owesShutdown;
    private bool _asksCredit;
    private bool _askedCredit;

    /// <summary>Where it leads.</summary>
    internal FarEnd Far => far;

    /// <summary>A number that no other connection of the device ever has; the low bits are its place.</summary>
    internal ulong Id => id;

    /// <summary>By what the guest's packets name it, once that is known.</summary>
    internal VsockKey Key { get; set; }

    /// <summary>How far it is.</summary>
    internal VsockState State { get; private set; }

    /// <summary>How many bytes the guest may be sent.</summary>
    internal uint Credit
    {
        get
        {
            uint flying = _sent - _guestForwarded;
            return _guestBuffers > flying ? _guestBuffers - flying : 0;
        }
    }

    /// <summary>How much of what the guest sent was passed on.</summary>
    private uint Forwarded => far.Outgoing.Read + _dropped;

    /// <summary>Begins as what somebody else asks for.</summary>
    internal void BeginAsking(VsockKey key) => (Key, State, _owesAnswer) = (key, VsockState.Asking, true);

    /// <summary>Begins as what the guest asks for, and, where it is so, has.</summary>
    internal void BeginAsked(VsockKey key, bool accepted)
    {
        (Key, State) = (key, VsockState.Asked);
        if (accepted)
        {
            Accept();
        }
    }

    /// <summary>The far end accepted.</summary>
    internal void Accept() => (State, _owesAnswer) = (VsockState.Open, true);

    /// <summary>Notes what a packet of the guest says of its buffers; false where that cannot be.</summary>
    internal bool TryNoteCredit(in VsockPacket packet)
    {
        if (packet.ForwardedBytes - _guestForwarded > _sent - _guestForwarded)
        {
            return false; // more than it was sent, or less than it said before
        }

        (_guestForwarded, _guestBuffers) = (packet.ForwardedBytes, packet.BufferBytes);
        _askedCredit &= Credit == 0;
        return true;
    }

    /// <summary>The guest accepted; false where nobody asked it.</summary>
    internal bool TryAccept()
    {
        if (State != VsockState.Asking || _owesAnswer)
        {
            return false;
        }

        State = VsockState.Open;
        far.Accept(Key.Port);
        return true;
    }

    /// <summary>How much of what the guest sends may be kept; less than it sent: it does not heed its credit, or may send nothing.</summary>
    internal bool MayKeep(uint bytes) =>
        State == VsockState.Open && (_guestEnded & VsockShutdown.Send) == 0 && bytes <= ByteRing.Capacity - (_received - Forwarded);

    /// <summary>The guest sent something, which stands in the far end's ring, or nowhere where that takes nothing more.</summary>
    internal void NoteKept(uint bytes, bool dropped)
    {
        _received += bytes;
        _dropped += dropped ? bytes : 0;
        far.Flush();
        NoteProgress();
    }

    /// <summary>The guest wants to know its credit.</summary>
    internal void OweCredit() => _owesCredit = true;

    /// <summary>The far end may have passed something on, or ended.</summary>
    internal void NoteProgress()
    {
        if (State == VsockState.Open)
        {
            _owesCredit |= Forwarded - _told >= CreditStep;
            if (far.IsDeaf)
            {
                EndFar(VsockShutdown.Receive);
            }
        }
    }

    /// <summary>The far end sends no more.</summary>
    internal void NoteFarEnd() => EndFar(far.IsDeaf ? VsockShutdown.Both : VsockShutdown.Send);

    /// <summary>The guest does something no more. True: it does nothing any more.</summary>
    internal bool NoteShutdown(VsockShutdown what)
    {
        VsockShutdown added = what & ~_guestEnded;
        _guestEnded |= what & VsockShutdown.Both;
        if (_guestEnded == VsockShutdown.Both)
        {
            return true;
        }

        if ((added & VsockShutdown.Send) != 0)
        {
            far.EndSending();
        }

        if ((added & VsockShutdown.Receive) != 0)
        {
            far.EndReceiving();
        }

        return false;
    }

    /// <summary>Whether it ended by agreement, so that what the guest sent still arrives.</summary>
    internal bool IsGraceful { get; private set; }

    /// <summary>The guest is owed a reset, and nothing else.</summary>
    internal void BeginEnd(bool graceful)
    {
        (State, IsGraceful) = (VsockState.Ending, graceful);
        (_owesAnswer, _owesCredit, _owesShutdown, _asksCredit) = (false, false, false, false);
    }

    /// <summary>The guest knows that it is over.</summary>
    internal void Linger() => State = VsockState.Lingering;

    /// <summary>It is over.</summary>
    internal void Close()
    {
        State = VsockState.Closed;
        far.Close();
    }

    /// <summary>Whether there is a packet for the guest.</summary>
    internal bool HasPacket() => NextOperation() != VsockOperation.Invalid;

    /// <summary>Which packet the guest gets next; <see cref="VsockOperation.ReadWrite"/>: there may be data.</summary>
    internal VsockOperation NextOperation()
    {
        switch (State)
        {
            case VsockState.Ending:
                return VsockOperation.Reset;
            case VsockState.Asking:
                return _owesAnswer ? VsockOperation.Request : VsockOperation.Invalid;
            case VsockState.Open when _owesAnswer:
                return VsockOperation.Response;
            case VsockState.Open:
                bool wants = (_guestEnded & VsockShutdown.Receive) == 0 && (_farEnded & VsockShutdown.Send) == 0 && far.MayReceive;
                if (wants && Credit > 0)
                {
                    return VsockOperation.ReadWrite;
                }

                _asksCredit |= wants && !_askedCredit;
                return _owesShutdown ? VsockOperation.Shutdown
                    : _owesCredit ? VsockOperation.CreditUpdate
                    : wants && _asksCredit ? VsockOperation.CreditRequest : VsockOperation.Invalid;
            default:
                return VsockOperation.Invalid;
        }
    }

    /// <summary>Makes the header of a packet that is now sent.</summary>
    internal VsockPacket Send(VsockOperation operation, ulong guestCid, uint bytes)
    {
        switch (operation)
        {
            case VsockOperation.Request or VsockOperation.Response:
                _owesAnswer = false;
                break;
            case VsockOperation.Shutdown:
                _owesShutdown = false;
                break;
            case VsockOperation.CreditRequest:
                (_asksCredit, _askedCredit) = (false, true);
                break;
            case VsockOperation.ReadWrite or VsockOperation.CreditUpdate or VsockOperation.Reset:
                break;
            default:
                throw new UnreachableException($"A packet for {operation} was sent.");
        }

        _sent += bytes;
        _told = Forwarded;
        _owesCredit = false;
        return new VsockPacket(Key.Cid, guestCid, Key.Port, Key.GuestPort, operation)
        {
            Length = bytes,
            Flags = operation == VsockOperation.Shutdown ? (uint)_farEnded : 0,
            BufferBytes = ByteRing.Capacity,
            ForwardedBytes = _told,
        };
    }

    private void EndFar(VsockShutdown what)
    {
        _owesShutdown |= (what & ~_farEnded) != 0;
        _farEnded |= what;
    }
}
