using System.Buffers;
using Bulkhead.Host.Memory;

namespace Bulkhead.Devices.Backends.Disks.Compression;

/// <summary>Reads compressed clusters, and keeps the last few: a guest reads one in many small parts.</summary>
/// <remarks>
/// <i>Shape</i>: a ring of slots of 2 MiB together, two at least.
/// <para><i>Threading</i>: any thread, several at once. What is unpacked by two at once is unpacked twice.</para>
/// </remarks>
internal sealed class UnpackedClusters
{
    private const int KeptBytes = 2 << 20;

    private readonly IImageFile _file;
    private readonly IClusterDecoder _decoder;
    private readonly int _clusterBytes;
    private readonly Lock _gate = new();
    private readonly long[] _keys;
    private readonly byte[]?[] _slots;
    private int _next;

    internal UnpackedClusters(IImageFile file, IClusterDecoder decoder, int clusterBytes)
    {
        _file = file;
        _decoder = decoder;
        _clusterBytes = clusterBytes;
        _keys = new long[Math.Clamp(KeptBytes / clusterBytes, 2, 64)];
        _slots = new byte[_keys.Length][];
    }

    /// <summary>Reads a part of a cluster that is kept; false where it is not.</summary>
    internal bool TryRead(long packedOffset, int from, ScatteredBytes data)
    {
        lock (_gate)
        {
            int slot = Array.IndexOf(_keys, packedOffset);
            if (slot >= 0 && _slots[slot] is { } kept)
            {
                data.CopyFrom(kept.AsSpan(from, data.Length));
                return true;
            }
        }

        return false;
    }

    /// <summary>Reads a part of the cluster whose packed bytes stand at an offset of the file; what stands there never changes.</summary>
    internal DiskResult Read(long packedOffset, int packedBytes, int from, ScatteredBytes data)
    {
        if (TryRead(packedOffset, from, data))
        {
            return DiskResult.Ok;
        }

        byte[] packed = ArrayPool<byte>.Shared.Rent(packedBytes);
        byte[] plain = ArrayPool<byte>.Shared.Rent(_clusterBytes);
        try
        {
            DiskResult result = _file.Read(packedOffset, packed.AsSpan(0, packedBytes));
            if (result != DiskResult.Ok)
            {
                return result;
            }

            if (!_decoder.TryDecode(packed, packedBytes, plain.AsSpan(0, _clusterBytes)))
            {
                return DiskResult.IoError;
            }

            data.CopyFrom(plain.AsSpan(from, data.Length));
            lock (_gate)
            {
                _keys[_next] = packedOffset;
                plain.AsSpan(0, _clusterBytes).CopyTo(_slots[_next] ??= new byte[_clusterBytes]);
                _next = (_next + 1) % _keys.Length;
            }

            return DiskResult.Ok;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(packed);
            ArrayPool<byte>.Shared.Return(plain);
        }
    }
}
