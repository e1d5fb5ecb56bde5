using System.Runtime.InteropServices;
using Bulkhead.Host.Processor;
using Bulkhead.Host.Threads;

namespace Bulkhead.Host.Terminal;

/// <summary>Carries a descriptor's input to the guest, on a thread of its own.</summary>
/// <remarks>
/// What a client does not take waits for <see cref="Resume"/>, and reading stops when too much waits, so that nothing is lost.
/// A command does not wait behind it: an operator can end a guest that no longer listens.
/// <para><i>Threading</i>: <see cref="Resume"/> from any thread; the creator disposes it, not on the input thread.</para>
/// </remarks>
public sealed unsafe class InputPump : IDisposable
{
    private const int None = -1;
    private const int ChunkSize = 4096;
    private const int WaitingSize = 16 * ChunkSize;

    private readonly int _fd;
    private readonly ITerminalClient _client;
    private readonly Thread _thread;
    private readonly int _wake;
    private readonly byte[] _waiting = new byte[WaitingSize];
    private EscapeFilter _filter;
    private int _start;
    private int _end;
    private volatile bool _stopping;

    /// <summary>Prepares a pump; <see cref="Start"/> starts it. A standard input the process was not given is at its end.</summary>
    public InputPump(int fd, ITerminalClient client)
    {
        _fd = fd != 0 || ProcessStart.IsInherited(0) ? fd : None;
        _client = client;
        _wake = TerminalNative.EventFd(0, TerminalNative.EventCloexec | TerminalNative.EventNonBlocking);
        if (_wake < 0)
        {
            throw new OperatorException($"The host gave no event descriptor: {HostRefusal.Words(Marshal.GetLastPInvokeError())}");
        }

        _thread = new Thread(Run) { Name = "input", IsBackground = true };
    }

    /// <summary>Starts reading.</summary>
    public void Start() => _ = HostThread.Start(_thread);

    /// <summary>Says that the client can take bytes again.</summary>
    public void Resume()
    {
        ulong one = 1;

        // SAFETY: eight bytes of our own stack; a full counter (EAGAIN) wakes the thread as well.
        _ = TerminalNative.Write(_wake, &one, sizeof(ulong));
    }

    /// <summary>Stops the thread and waits for it.</summary>
    public void Dispose()
    {
        if (_stopping)
        {
            return;
        }

        _stopping = true;
        if (_thread.IsAlive)
        {
            Resume();
            _thread.Join();
        }

        _ = TerminalNative.Close(_wake);
    }

    private void Run()
    {
        try
        {
            Pump();
        }
        catch (Exception e)
        {
            _client.Failed(e);
        }
    }

    private void Pump()
    {
        byte[] chunk = new byte[ChunkSize];
        bool open = _fd != None;
        while (!_stopping && (open || _start < _end))
        {
            bool room = WaitingSize - (_end - _start) > ChunkSize;
            if (!Wait(wantInput: open && room, out bool inputReady))
            {
                continue;
            }

            if (inputReady)
            {
                int count = Read(chunk);
                open = count != 0;
                Accept(chunk.AsSpan(0, Math.Max(count, 0)));
            }

            Offer();
        }

        if (!_stopping)
        {
            _client.InputClosed();
        }
    }

    private void Accept(ReadOnlySpan<byte> input)
    {
        if (_start > 0)
        {
            Buffer.BlockCopy(_waiting, _start, _waiting, 0, _end - _start);
            _end -= _start;
            _start = 0;
        }

        while (!input.IsEmpty)
        {
            _end += _filter.Filter(input, _waiting.AsSpan(_end), out int consumed, out EscapeCommand command);
            input = input[consumed..];
            if (command != EscapeCommand.None)
            {
                Offer();
                _client.Command(command);
            }
        }
    }

    private void Offer()
    {
        while (_start < _end)
        {
            int taken = _client.Input(_waiting.AsSpan(_start, _end - _start));
            if (taken <= 0)
            {
                return;
            }

            _start += taken;
        }
    }

    /// <summary>Sleeps until woken or readable; false where the call was interrupted.</summary>
    private bool Wait(bool wantInput, out bool inputReady)
    {
        // SAFETY: poll reads and writes the two entries on this stack; a negative descriptor is skipped.
        TerminalNative.PollEntry* entries = stackalloc TerminalNative.PollEntry[2];
        entries[0] = new TerminalNative.PollEntry { Fd = _wake, Events = TerminalNative.PollIn };
        entries[1] = new TerminalNative.PollEntry { Fd = wantInput ? _fd : -1, Events = TerminalNative.PollIn };
        inputReady = false;
        if (TerminalNative.Poll(entries, 2, -1) < 0)
        {
            return false;
        }

        if (entries[0].Returned != 0)
        {
            ulong count;
            _ = TerminalNative.Read(_wake, &count, sizeof(ulong));
        }

        inputReady = entries[1].Returned != 0;
        return true;
    }

    /// <summary>Reads what is there; 0 at the end or where the terminal is gone, negative where there was nothing.</summary>
    private int Read(byte[] chunk)
    {
        // SAFETY: the buffer is pinned and its length is what the kernel is told.
        fixed (byte* p = chunk)
        {
            nint count = TerminalNative.Read(_fd, p, (nuint)chunk.Length);
            if (count >= 0)
            {
                return (int)count;
            }
        }

        return Marshal.GetLastPInvokeError() is TerminalNative.ErrnoInterrupted or TerminalNative.ErrnoAgain ? -1 : 0;
    }
}
