using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Bulkhead.Translator.Store;

/// <summary>The first bytes of a store's file.</summary>
/// <remarks>
/// <i>Shape</i>, little-endian: these fields, the hasher's key (<see cref="PageHasher.KeyBytes"/>); then translations, page by page; then
/// the index, <see cref="StoreEntry"/>s in the order of their keys.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct StoreHeader
{
    /// <summary>"BHCODE01".</summary>
    internal const ulong Mark = 0x3130_4544_4F43_4842;

    internal ulong Magic;

    /// <summary>XXH3 of the fields below, the key and the index.</summary>
    internal ulong Checksum;

    /// <summary>What the translations are good for: this build of the engine, its options, the guest's processor.</summary>
    internal UInt128 Identity;

    /// <summary>Where the index begins.</summary>
    internal long IndexPosition;

    /// <summary>How many entries it has.</summary>
    internal int Pages;

    /// <summary>Guest instructions of all pages.</summary>
    internal int Instructions;

    /// <summary>A number that is chosen once.</summary>
    internal ulong Chance;

    /// <summary>Where the thunks stand that the translations call.</summary>
    internal ulong Thunks;

    /// <summary>The checksum that belongs to it.</summary>
    internal static ulong Sum(in StoreHeader header, ReadOnlySpan<byte> key, ReadOnlySpan<StoreEntry> index)
    {
        StoreHeader summed = header with { Checksum = 0 };
        XxHash3 hash = new();

        // SAFETY: plain numbers (CodeStoreTests).
        hash.Append(MemoryMarshal.AsBytes(new ReadOnlySpan<StoreHeader>(in summed)));
        hash.Append(key);
        hash.Append(MemoryMarshal.AsBytes(index));
        return hash.GetCurrentHashAsUInt64();
    }
}
