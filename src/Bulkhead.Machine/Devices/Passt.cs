using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Bulkhead.Devices.Backends.Net;
using Bulkhead.Host;
using Bulkhead.Host.Network;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Machine.Devices;

/// <summary>User-mode networking: a passt process that opens the guest's connections as ordinary sockets of this host.</summary>
/// <remarks>It ends with the other end of its socket, so also where this process is killed. <i>Source</i>: passt(1).</remarks>
internal sealed class Passt : IDisposable
{
    /// <summary>The largest payload passt carries, which has the fewest frames.</summary>
    private const ushort Mtu = 65_520;

    private const int MostLines = 4;

    private readonly Process _process;
    private readonly string _domain;
    private readonly ConcurrentQueue<string> _said = new();
    private volatile bool _ends;

    private Passt(Process process, FrameStream frames, string domain) => (_process, Frames, _domain) = (process, frames, domain);

    /// <summary>The guest's frames.</summary>
    internal FrameStream Frames { get; }

    /// <summary>Starts one.</summary>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> where it cannot be, or a port of the host is not to be had: passt itself would say so
    /// while the guest runs, and end.</remarks>
    internal static Passt Start(NetRequest request, string domain)
    {
        foreach (PortForward forward in request.Forwards)
        {
            ThrowIfTaken(forward);
        }

        StreamSocket socket = StreamSocket.CreatePair(out SafeFileHandle theirs);
        using (theirs)
        {
            var start = new ProcessStartInfo("passt") { RedirectStandardError = true, RedirectStandardOutput = true };
            string number = ((int)theirs.DangerousGetHandle()).ToString(CultureInfo.InvariantCulture);
            foreach (string word in (string[])["--foreground", "--stderr", "--quiet", "--fd", number, "--mtu", Mtu.ToString(CultureInfo.InvariantCulture), .. request.Forwards.SelectMany(Words)])
            {
                start.ArgumentList.Add(word);
            }

            try
            {
                Process process = Process.Start(start) ?? throw new UnreachableException("A process that is not the shell's was not started.");
                var passt = new Passt(process, new FrameStream(socket, Mtu), domain);
                passt.Watch();
                return passt;
            }
            catch (Win32Exception e)
            {
                socket.Dispose();
                throw new OperatorException($"a user network needs the program passt, which could not be started ({e.Message}); install Debian's package passt.", 2);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ends = true;
        Frames.Dispose();
        if (!_process.WaitForExit(1000))
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    /// <summary>What it says matters only where it ends by itself.</summary>
    private void Watch()
    {
        _process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is { Length: > 0 } text && !text.StartsWith("Failed to send", StringComparison.Ordinal)) // to a system log that is not there
            {
                _said.Enqueue(text);
                _ = _said.Count > MostLines && _said.TryDequeue(out string? _);
            }
            else if (line.Data is null && !_ends)
            {
                Console.Error.WriteLine($"bulkhead: {_domain}: its network ended: passt: {string.Join("; ", _said)}");
            }
        };
        _process.OutputDataReceived += static (_, _) => { };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    private static void ThrowIfTaken(PortForward forward)
    {
        using var socket = new Socket(forward.Address.AddressFamily, forward.Udp ? SocketType.Dgram : SocketType.Stream, forward.Udp ? ProtocolType.Udp : ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(forward.Address, forward.HostPort));
        }
        catch (SocketException e)
        {
            throw new OperatorException(
                $"{(forward.Udp ? "udp" : "tcp")} port {forward.HostPort} of {forward.Address} cannot lead to the guest's port {forward.GuestPort}: "
                + $"{(e.SocketErrorCode == SocketError.AddressAlreadyInUse ? "another process has it" : e.Message)}; forward another port.",
                2);
        }
    }

    private static string[] Words(PortForward f) => [f.Udp ? "-u" : "-t", $"{f.Address}/{f.HostPort}:{f.GuestPort}"];
}
