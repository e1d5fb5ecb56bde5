namespace Bulkhead.Translator.Store;

/// <summary>What a page's bytes are told from others' by.</summary>
internal readonly record struct PageHash(UInt128 First, UInt128 Second);
