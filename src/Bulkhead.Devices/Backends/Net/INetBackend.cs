using Bulkhead.Devices.Executors;

namespace Bulkhead.Devices.Backends.Net;

/// <summary>Where a network card's frames go to and come from.</summary>
/// <remarks><i>Threading</i>: the card's executor, but for what says otherwise. <i>Shape</i>: Ethernet frames without their checksum, each
/// with what is left to do with it. None of it waits.</remarks>
public interface INetBackend : IDisposable
{
    /// <summary>The most bytes of a frame.</summary>
    const int MostFrameBytes = 65_550;

    /// <summary>The largest payload of a frame; one that is to be cut may have more.</summary>
    ushort Mtu { get; }

    /// <summary>Features a driver may be offered since the other side can do with them.</summary>
    ulong Offloads { get; }

    /// <summary>Makes where the card works: it is rung where there is what was waited for. Whoever asks disposes it. The control thread.</summary>
    IDeviceExecutor CreateExecutor(string name);

    /// <summary>A driver is there, which takes no frame but as the features say that it chose. Under the transport's lock.</summary>
    void Open(ulong features);

    /// <summary>The driver is gone.</summary>
    void Close();

    /// <summary>Where a frame to send goes; then <see cref="CommitFrame"/>. Empty where there is no room now.</summary>
    Span<byte> BeginFrame(in FrameHeader header, int length);

    /// <summary>The frame begun last is complete.</summary>
    void CommitFrame();

    /// <summary>Sends what was begun, as far as it is taken. False: the other end is gone.</summary>
    bool Send();

    /// <summary>The next frame that came, or an empty span; it stays there until <see cref="DropFrame"/>.</summary>
    ReadOnlySpan<byte> PeekFrame(out FrameHeader header);

    /// <summary>The frame peeked at is done with.</summary>
    void DropFrame();

    /// <summary>There is nothing to do: the executor is to be rung where there is room for what did not fit, and where a frame came, if
    /// <paramref name="frames"/> are wanted.</summary>
    void Await(bool frames);
}
