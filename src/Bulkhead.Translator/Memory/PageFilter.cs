namespace Bulkhead.Translator.Memory;

/// <summary>Remembers pages: says no only of a page that was never added. The two halves of the address space do not meet in it.</summary>
internal sealed class PageFilter
{
    private const int Bits = 8192;
    private readonly ulong[] _words = new ulong[Bits / 64];

    /// <summary>Adds the page of an address.</summary>
    internal void Add(ulong address) => _words[WordOf(address)] |= BitOf(address);

    /// <summary>Whether the page of an address may have been added.</summary>
    internal bool MayHold(ulong address) => (_words[WordOf(address)] & BitOf(address)) != 0;

    /// <summary>Forgets all pages.</summary>
    internal void Clear() => Array.Clear(_words);

    private static int WordOf(ulong address) => ((int)(address >> 18) & ((Bits / 128) - 1)) | ((int)(address >> 63) * (Bits / 128));

    private static ulong BitOf(ulong address) => 1ul << (int)(address >> 12);
}
