using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Bulkhead.Host.Files;
using Microsoft.Win32.SafeHandles;

namespace Bulkhead.Host.Network;

/// <summary>A network interface of this host whose frames are ours: each behind 12 bytes that say what is left to do with it, as virtio has them.</summary>
/// <remarks>It never waits. <i>Source</i>: Linux, Documentation/networking/tuntap.rst.</remarks>
public sealed unsafe class TapDevice : IDisposable
{
    /// <summary>The longest name of an interface.</summary>
    public const int LongestName = TapCalls.NameBytes - 1;

    private const int HeaderBytes = 12;
    private const int FileDescriptorInBadState = 77;

    private TapDevice(SafeFileHandle handle, ushort mtu) => (Handle, Mtu) = (handle, mtu);

    /// <summary>To wait at.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>The largest payload of a frame.</summary>
    public ushort Mtu { get; }

    /// <summary>Opens an interface that is there.</summary>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> where it is not there, not of this kind, in use, or not permitted.</remarks>
    public static TapDevice Open(string name)
    {
        string about = $"/sys/class/net/{name}";
        if (name.Length is 0 or > LongestName || name.Contains('/', StringComparison.Ordinal) || !Directory.Exists(about))
        {
            throw new OperatorException($"TAP device {name}: there is no such interface; make it with 'ip tuntap add dev {name} mode tap user \"$USER\"' and 'ip link set {name} up', as root.", 2);
        }

        if (!File.Exists($"{about}/tun_flags"))
        {
            throw new OperatorException($"TAP device {name}: the interface is of another kind; name one that was made with 'ip tuntap add dev NAME mode tap'.", 2);
        }

        int descriptor = TapCalls.Open("/dev/net/tun", TapCalls.ReadWrite | TapCalls.NonBlocking | TapCalls.CloseOnExec);
        if (descriptor < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            throw new OperatorException($"TAP device {name}: /dev/net/tun cannot be opened ({Marshal.GetPInvokeErrorMessage(error)}); {(error == Errno.Access ? "let this user read and write it" : "load the module tun")}.", 2);
        }

        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        byte* request = stackalloc byte[TapCalls.RequestBytes];
        var bytes = new Span<byte>(request, TapCalls.RequestBytes);
        bytes.Clear();
        _ = Encoding.UTF8.GetBytes(name, bytes[..(TapCalls.NameBytes - 1)]);
        *(short*)(request + TapCalls.NameBytes) = TapCalls.Tap | TapCalls.NoPacketInformation | TapCalls.VirtioHeader;
        int size = HeaderBytes;

        // SAFETY: the kernel reads and writes a request of its size, and reads a number.
        if (TapCalls.Control(descriptor, TapCalls.SetInterface, request) != 0 || TapCalls.Control(descriptor, TapCalls.SetHeaderSize, &size) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            handle.Dispose();
            throw new OperatorException(
                $"TAP device {name}: {error switch
                {
                    Errno.NotPermitted => "it belongs to another user; make it with 'ip tuntap add' and 'user \"$USER\"'",
                    Errno.Busy => "another process uses it already; give each card a device of its own",
                    Errno.Invalid => "it is no TAP device for one queue; make it with 'mode tap', without 'multi_queue'",
                    _ => $"it cannot be used: {Marshal.GetPInvokeErrorMessage(error)}",
                }}.",
                2);
        }

        return new TapDevice(handle, ushort.Parse(File.ReadAllText($"{about}/mtu").Trim(), CultureInfo.InvariantCulture));
    }

    /// <summary>Says what frames that come may have left to do: checksums (1), TCP over IPv4 (2) and IPv6 (4) to cut.</summary>
    public void Accept(int offloads) => _ = TapCalls.Control((int)Handle.DangerousGetHandle(), TapCalls.SetOffload, (nuint)offloads);

    /// <summary>Sends a frame behind its header: how many bytes, 0 where there is no room now, or -1 where the device is gone. One that the
    /// kernel refuses counts as sent.</summary>
    public int Write(ReadOnlySpan<byte> frame)
    {
        fixed (byte* bytes = frame)
        {
            // SAFETY: the kernel reads the span.
            nint written = TapCalls.Write((int)Handle.DangerousGetHandle(), bytes, (nuint)frame.Length);
            return written >= 0 ? (int)written : Marshal.GetLastPInvokeError() switch
            {
                Errno.Again or Errno.Interrupted => 0,
                FileDescriptorInBadState => -1,
                _ => frame.Length, // malformed, or the interface is down
            };
        }
    }

    /// <summary>Takes the next frame behind its header: how many bytes, 0 for none now, or -1 where the device is gone.</summary>
    public int Read(Span<byte> frame)
    {
        fixed (byte* bytes = frame)
        {
            // SAFETY: the kernel writes at most the span.
            nint read = TapCalls.Read((int)Handle.DangerousGetHandle(), bytes, (nuint)frame.Length);
            return read >= 0 ? (int)read : Marshal.GetLastPInvokeError() == FileDescriptorInBadState ? -1 : 0;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Handle.Dispose();
}
