using Bulkhead.Host;

namespace Bulkhead.Devices.Backends.Disks.Qcow2;

/// <summary>How often each cluster of a file is used, as the tables say.</summary>
/// <remarks>
/// <i>Shape</i>: pieces that are made where something is counted, so that a file that is long but empty costs nothing; 1 GiB of them
/// at most, which is enough for 16 TiB.
/// </remarks>
internal sealed class UseCounts(string name, long clusters)
{
    internal const int PieceBits = 16;
    private const int MostPieces = 4096;

    private readonly Dictionary<long, uint[]> _pieces = [];

    /// <summary>Clusters of the file.</summary>
    internal long Clusters => clusters;

    /// <summary>The numbers of the pieces in which something is used, each of 65,536 clusters, in order.</summary>
    internal IEnumerable<long> UsedPieces => _pieces.Keys.Order();

    internal uint this[long cluster] => _pieces.TryGetValue(cluster >> PieceBits, out uint[]? piece) ? piece[cluster & ((1 << PieceBits) - 1)] : 0;

    /// <summary>Counts a use; false outside the file.</summary>
    internal bool Add(long cluster)
    {
        if ((ulong)cluster >= (ulong)clusters)
        {
            return false;
        }

        if (!_pieces.TryGetValue(cluster >> PieceBits, out uint[]? piece))
        {
            if (_pieces.Count == MostPieces)
            {
                throw new OperatorException($"{name} uses clusters in more places than can be counted; see 'qemu-img check'.");
            }

            _pieces.Add(cluster >> PieceBits, piece = new uint[1 << PieceBits]);
        }

        piece[cluster & ((1 << PieceBits) - 1)]++;
        return true;
    }
}
