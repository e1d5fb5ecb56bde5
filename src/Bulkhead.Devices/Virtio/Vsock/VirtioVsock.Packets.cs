using Bulkhead.Abi.Virtio;
using Bulkhead.Devices.Virtio.Queues;

namespace Bulkhead.Devices.Virtio.Vsock;

/// <content>What the guest sends, and what it is sent.</content>
internal sealed partial class VirtioVsock
{
    private const int MostRefused = 64;

    // Resets of what is no connection. A driver that takes none of them is not heard any more until it does.
    private readonly Queue<VsockPacket> _refused = new(MostRefused);

    private bool IsHeld => _refused.Count >= MostRefused;

    /// <summary>Does what the guest's packets say; true where more of them wait and can be served.</summary>
    private bool Transmit(VirtioSession session, Virtqueue queue)
    {
        DescriptorChain chain = _chain!; // of the same Start as the session
        queue.Ignore();
        for (int left = MostTurns; left > 0; left--)
        {
            if (IsHeld || session.IsEnding)
            {
                return !session.IsEnding;
            }

            if (!queue.TryPop(chain))
            {
                if (!queue.Await())
                {
                    return false;
                }

                queue.Ignore();
                continue;
            }

            if (!Process(chain))
            {
                queue.Refuse($"a packet of {chain.ReadableBytes} bytes");
                return false;
            }

            queue.Push(chain, 0);
            queue.Publish();
        }

        return true;
    }

    /// <summary>Does what a packet says; false where it is none.</summary>
    private bool Process(DescriptorChain chain)
    {
        Span<byte> header = stackalloc byte[VsockHeader.Bytes];
        if (!chain.TryRead(0, header))
        {
            return false;
        }

        var packet = VsockPacket.Read(header);
        _counters.PacketsOut++;
        if (packet.SourceCid != _endpoint.Cid)
        {
            return true; // in another's name: nobody is there to be told
        }

        var key = new VsockKey(packet.DestinationCid, packet.DestinationPort, packet.SourcePort);
        if (packet.Type != VsockHeader.Stream || _table.Find(key) is not { } connection)
        {
            if (packet is { Type: VsockHeader.Stream, Operation: VsockOperation.Request })
            {
                Connect(key, packet);
            }
            else if (packet.Operation != VsockOperation.Reset)
            {
                Refuse(key, packet.Type);
            }
        }
        else if (packet.Operation == VsockOperation.Reset)
        {
            NoteReset(connection);
        }
        else if (connection.State != VsockState.Ending)
        {
            if (connection.TryNoteCredit(packet) && Act(connection, packet, chain))
            {
                _table.Queue(connection);
            }
            else
            {
                _counters.Broken++;
                End(connection, graceful: false);
            }
        }

        return true;
    }

    /// <summary>Does what a packet of a connection says; false where it must not.</summary>
    private bool Act(VsockConnection connection, in VsockPacket packet, DescriptorChain chain)
    {
        switch (packet.Operation)
        {
            case VsockOperation.Response:
                if (!connection.TryAccept())
                {
                    return false;
                }

                _counters.Opened++;
                Look(connection);
                return true;
            case VsockOperation.Shutdown:
                if (connection.State != VsockState.Open)
                {
                    return false;
                }

                if (connection.NoteShutdown((VsockShutdown)packet.Flags))
                {
                    End(connection, graceful: true);
                }

                return true;
            case VsockOperation.ReadWrite:
                return Keep(connection, packet.Length, chain);
            case VsockOperation.CreditUpdate:
                return true;
            case VsockOperation.CreditRequest:
                connection.OweCredit();
                return true;
            default:
                return false;
        }
    }

    /// <summary>Takes data of the guest; false where it may not send that.</summary>
    private bool Keep(VsockConnection connection, uint length, DescriptorChain chain)
    {
        if (length > chain.ReadableBytes - VsockHeader.Bytes || !connection.MayKeep(length))
        {
            return false;
        }

        bool dropped = connection.Far.IsDeaf;
        ByteRing ring = connection.Far.Outgoing;
        ulong end = VsockHeader.Bytes + (ulong)length;
        for (ulong at = VsockHeader.Bytes; at < end && !dropped;)
        {
            Span<byte> free = ring.Free();
            ReadOnlySpan<byte> piece = chain.ReadablePiece(at, (int)Math.Min((ulong)free.Length, end - at));
            piece.CopyTo(free);
            ring.Commit(piece.Length);
            at += (ulong)piece.Length;
        }

        _counters.BytesOut += length;
        connection.NoteKept(length, dropped);
        return true;
    }

    /// <summary>The guest wants a connection.</summary>
    private void Connect(VsockKey key, in VsockPacket packet)
    {
        FarEnd? far = _table.IsFull ? null : _endpoint.Connect(key, _table);
        if (far is null)
        {
            _counters.Refused++;
            Refuse(key, VsockHeader.Stream);
            return;
        }

        VsockConnection connection = _table.Add(far);
        var socket = far as SocketEnd;
        if (!_table.TryName(key, connection) || (socket is not null && !_set.TryAdd(socket.Socket.Handle, connection.Id)))
        {
            _table.Remove(connection);
            _counters.Refused++;
            Refuse(key, VsockHeader.Stream);
            return;
        }

        connection.BeginAsked(key, accepted: socket is not null);
        _counters.Opened += socket is not null ? 1 : 0;
        if (connection.TryNoteCredit(packet))
        {
            _table.Queue(connection);
        }
        else
        {
            _counters.Broken++;
            End(connection, graceful: false);
        }
    }

    /// <summary>The guest says that there is no such connection, or no more.</summary>
    private void NoteReset(VsockConnection connection)
    {
        if (connection.State == VsockState.Ending && connection.IsGraceful)
        {
            Let(connection);
            return;
        }

        _counters.Refused += connection.State == VsockState.Asking ? 1 : 0;
        _table.Remove(connection);
    }

    private void Refuse(VsockKey key, ushort type) =>
        _refused.Enqueue(new VsockPacket(key.Cid, _endpoint.Cid, key.Port, key.GuestPort, VsockOperation.Reset) { Type = type });

    /// <summary>Sends the guest what it is owed; true where there is more, and room for it.</summary>
    private bool Receive(VirtioSession session, Virtqueue queue)
    {
        DescriptorChain chain = _chain!; // of the same Start as the session
        queue.Ignore();
        for (int left = MostTurns; left > 0; left--)
        {
            if (session.IsEnding || (_refused.Count == 0 && !_table.HasReady))
            {
                return false;
            }

            if (!queue.TryPop(chain))
            {
                if (!queue.Await())
                {
                    return false;
                }

                queue.Ignore();
                continue;
            }

            if (chain.WritableBytes <= VsockHeader.Bytes) // no data would ever fit
            {
                queue.Refuse($"a buffer of {chain.WritableBytes} bytes for packets");
                return false;
            }

            int written = Fill(chain);
            if (written == 0)
            {
                queue.Untake(chain);
                continue;
            }

            _counters.PacketsIn++;
            queue.Push(chain, (uint)written);
            queue.Publish();
        }

        return true;
    }

    /// <summary>Writes the next packet: how many bytes, 0 where whoever's turn it was had nothing after all.</summary>
    private int Fill(DescriptorChain chain)
    {
        Span<byte> header = stackalloc byte[VsockHeader.Bytes];
        if (_refused.TryDequeue(out VsockPacket refusal))
        {
            refusal.Write(header);
            _ = chain.TryWrite(0, header);
            return header.Length;
        }

        if (_table.Dequeue() is not { } connection)
        {
            return 0;
        }

        int bytes = 0;
        VsockOperation operation = connection.NextOperation();
        if (operation == VsockOperation.ReadWrite)
        {
            bytes = ReadData(connection, chain);
            if (bytes < 0)
            {
                connection.NoteFarEnd();
            }

            bytes = Math.Max(bytes, 0);
            operation = bytes > 0 ? operation : connection.NextOperation();
        }

        if (operation is VsockOperation.Invalid || (operation == VsockOperation.ReadWrite && bytes == 0))
        {
            _table.Queue(connection);
            return 0;
        }

        connection.Send(operation, _endpoint.Cid, (uint)bytes).Write(header);
        _ = chain.TryWrite(0, header);
        _counters.BytesIn += bytes;
        if (operation != VsockOperation.Reset)
        {
            _table.Queue(connection);
        }
        else if (connection.IsGraceful)
        {
            Let(connection);
        }
        else
        {
            _table.Remove(connection);
        }

        return header.Length + bytes;
    }

    /// <summary>Reads of the far end what the guest has credit and a buffer for; otherwise as <see cref="FarEnd.Receive"/>.</summary>
    private static int ReadData(VsockConnection connection, DescriptorChain chain)
    {
        ulong most = Math.Min(Math.Min(connection.Credit, chain.WritableBytes - VsockHeader.Bytes), ByteRing.Capacity);
        ulong total = 0;
        while (total < most)
        {
            ulong at = VsockHeader.Bytes + total;
            int received = connection.Far.Receive(chain.WritablePiece(at, (int)(most - total)));
            if (received <= 0)
            {
                return total > 0 ? (int)total : received;
            }

            chain.NoteWritten(at, received);
            total += (ulong)received;
        }

        return (int)total;
    }
}
