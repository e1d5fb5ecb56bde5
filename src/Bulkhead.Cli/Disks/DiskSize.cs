using Bulkhead.Core;

namespace Bulkhead.Cli.Disks;

/// <summary>The size a disk is to have: some bytes, or so many more than it has.</summary>
/// <param name="Bytes">How many, a multiple of 512.</param>
/// <param name="More">Whether they come to those it has.</param>
internal readonly record struct DiskSize(long Bytes, bool More)
{
    /// <summary>How it is written.</summary>
    internal static string Form => $"{Quantity.SizeForm}, or + and such; a multiple of 512";

    /// <summary>Reads one.</summary>
    internal static bool TryParse(string text, out DiskSize size)
    {
        bool more = text.StartsWith('+');
        bool right = Quantity.TryParseSize(more ? text[1..] : text, out ulong bytes) && bytes is not 0 and <= long.MaxValue && bytes % 512 == 0;
        size = new DiskSize(right ? (long)bytes : 0, more);
        return right;
    }

    /// <summary>What a disk of some bytes is to have.</summary>
    internal long Of(long sizeBytes) => !More ? Bytes : Bytes > long.MaxValue - sizeBytes ? long.MaxValue : sizeBytes + Bytes;
}
