using System.Globalization;
using System.Text;
using Bulkhead.Host.Files;
using Bulkhead.Host.Network;
using Bulkhead.Host.Threads;

namespace Bulkhead.Devices.Virtio.Vsock;

/// <summary>The far end is a socket of the host.</summary>
/// <param name="socket">The socket, which is closed with it.</param>
/// <param name="outgoing">For what the guest sends.</param>
/// <param name="descriptors">What the socket was taken from.</param>
internal sealed class SocketEnd(StreamSocket socket, ByteRing outgoing, DescriptorBudget descriptors) : FarEnd(outgoing)
{
    private const int MostLineBytes = 32;
    private const string Verb = "CONNECT ";

    private byte[]? _line;
    private int _lineBytes;
    private bool _readable = true;
    private bool _writable = true;
    private bool _deaf;
    private bool _ends;
    private bool _ended;
    private bool _closed;

    /// <summary>To watch.</summary>
    internal StreamSocket Socket => socket;

    internal override bool IsDeaf => _deaf;

    internal override bool MayReceive => _readable;

    /// <summary>There is news of the socket.</summary>
    internal void Note(PollEvents events)
    {
        const PollEvents over = PollEvents.Failed | PollEvents.HungUp;
        _readable |= (events & (PollEvents.Readable | over)) != 0;
        _writable |= (events & (PollEvents.Writable | over)) != 0;
        _deaf |= (events & over) != 0;
    }

    /// <summary>Reads on at the line that names a port: false where it is none. A port where the line is complete.</summary>
    /// <remarks>Byte by byte: what follows the line is the guest's.</remarks>
    internal bool TryReadLine(out uint? port)
    {
        port = null;
        _line ??= new byte[MostLineBytes];
        while (_lineBytes < MostLineBytes)
        {
            int received = socket.Receive(_line.AsSpan(_lineBytes, 1));
            if (received <= 0)
            {
                return received == 0;
            }

            if (_line[_lineBytes++] == '\n')
            {
                string text = Encoding.ASCII.GetString(_line, 0, _lineBytes - 1);
                if (text.StartsWith(Verb, StringComparison.OrdinalIgnoreCase)
                    && uint.TryParse(text.AsSpan(Verb.Length), NumberStyles.None, CultureInfo.InvariantCulture, out uint number))
                {
                    port = number;
                    return true;
                }

                return false;
            }
        }

        return false;
    }

    internal override void Accept(uint hostPort)
    {
        byte[] answer = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"OK {hostPort}\n"));
        _deaf |= socket.Send(answer) != answer.Length; // the first bytes of a socket always fit where it lives
    }

    internal override int Receive(Span<byte> into)
    {
        if (_closed)
        {
            return -1;
        }

        int received = socket.Receive(into);
        _readable = received != 0; // the end is found again
        return received;
    }

    internal override void Flush()
    {
        while (!_deaf && _writable && Outgoing.Filled() is { IsEmpty: false } bytes)
        {
            int sent = socket.Send(bytes);
            _deaf = sent < 0;
            _writable = sent != 0;
            Outgoing.Consume(Math.Max(sent, 0));
        }

        if (_ends && !_ended && (_deaf || Outgoing.Count == 0))
        {
            _ended = true;
            socket.EndSending();
        }
    }

    internal override void EndSending()
    {
        _ends = true;
        Flush();
    }

    internal override void EndReceiving()
    {
        if (!_closed)
        {
            socket.EndReceiving();
        }
    }

    internal override bool Finish()
    {
        EndSending();
        if (_ended)
        {
            Close();
        }

        return _ended;
    }

    // The descriptor's number may be another's from now on.
    internal override void Close()
    {
        if (!_closed)
        {
            (_closed, _deaf, _ended) = (true, true, true);
            socket.Dispose();
            descriptors.Return();
        }
    }
}
