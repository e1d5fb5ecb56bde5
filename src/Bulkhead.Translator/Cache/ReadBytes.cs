using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Bulkhead.Translator.Decode;

namespace Bulkhead.Translator.Cache;

/// <summary>Which bytes of a page translation reads, a bit for each.</summary>
[InlineArray(BlockReader.PageWords)]
internal struct ReadBytes
{
    private ulong _first;

    /// <summary>64 bytes a word.</summary>
    [UnscopedRef]
    internal Span<ulong> Words => this;
}
