using System.Runtime.InteropServices;

namespace Bulkhead.Devices.Backends.Net;

/// <summary>Where a network card's frames go to and come from.</summary>
/// <remarks><i>Threading</i>: the card's executor. <i>Shape</i>: Ethernet frames without their checksum. None of it waits.</remarks>
public interface INetBackend : IDisposable
{
    /// <summary>To wait at for more.</summary>
    SafeHandle Handle { get; }

    /// <summary>The largest payload of a frame.</summary>
    ushort Mtu { get; }

    /// <summary>Whether frames wait to be sent that nobody takes now.</summary>
    bool IsBlocked { get; }

    /// <summary>Where a frame to send goes; then <see cref="CommitFrame"/>. Empty where there is no room now.</summary>
    Span<byte> BeginFrame(int length);

    /// <summary>The frame begun last is complete.</summary>
    void CommitFrame();

    /// <summary>Sends what was begun, as far as it is taken. False: the other end is gone.</summary>
    bool Send();

    /// <summary>The next frame that came, or an empty span; it stays there until <see cref="DropFrame"/>.</summary>
    ReadOnlySpan<byte> PeekFrame();

    /// <summary>The frame peeked at is done with.</summary>
    void DropFrame();
}
