using System.Numerics;
using System.Runtime.CompilerServices;

namespace Bulkhead.Translator.Memory;

/// <summary>Remembers pages: says no only of a page that was never added. The two halves of the address space do not meet in it.</summary>
internal sealed class PageFilter
{
    private const int Bits = 8192;
    private Words _words;

    /// <summary>Adds the page of an address.</summary>
    internal void Add(ulong address) => _words[WordOf(address)] |= BitOf(address);

    /// <summary>Whether the page of an address may have been added.</summary>
    internal bool MayHold(ulong address) => (_words[WordOf(address)] & BitOf(address)) != 0;

    /// <summary>Forgets all pages.</summary>
    internal void Clear() => ((Span<ulong>)_words).Clear();

    /// <summary>Copies what it remembers.</summary>
    internal void CopyTo(ref Words words) => words = _words;

    /// <summary>Remembers what another did too.</summary>
    internal void Add(ref readonly Words words)
    {
        Span<ulong> own = _words;
        ReadOnlySpan<ulong> others = words;
        for (int i = 0; i < own.Length; i += Vector<ulong>.Count)
        {
            (new Vector<ulong>(own[i..]) | new Vector<ulong>(others[i..])).CopyTo(own[i..]);
        }
    }

    private static int WordOf(ulong address) => ((int)(address >> 18) & ((Bits / 128) - 1)) | ((int)(address >> 63) * (Bits / 128));

    private static ulong BitOf(ulong address) => 1ul << (int)(address >> 12);

    /// <summary>Its bits.</summary>
    [InlineArray(Bits / 64)]
    internal struct Words
    {
        private ulong _first;
    }
}
