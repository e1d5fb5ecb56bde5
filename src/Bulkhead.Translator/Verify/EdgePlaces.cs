namespace Bulkhead.Translator.Verify;

/// <summary>What linking an edge writes to, as executable addresses.</summary>
/// <param name="Jump">The rel32 of the jump or call.</param>
/// <param name="Id">The page id compared before it, or 0.</param>
/// <param name="Miss">The rel32 of the call that leaves when the ids differ, or 0.</param>
/// <param name="SourcePage">The code page id of the block it leaves.</param>
internal readonly record struct EdgePlaces(ulong Jump, ulong Id, ulong Miss, uint SourcePage);
