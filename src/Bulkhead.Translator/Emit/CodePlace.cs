namespace Bulkhead.Translator.Emit;

/// <summary>A place in a block's code and what stands there, in 32 bits.</summary>
internal static class CodePlace
{
    /// <summary>Puts it together.</summary>
    internal static uint Of(CodePlaceKind kind, int place) => ((uint)place << 2) | (uint)kind;

    /// <summary>What stands there.</summary>
    internal static CodePlaceKind Kind(uint place) => (CodePlaceKind)(place & 3);

    /// <summary>How far from the block's start.</summary>
    internal static int Offset(uint place) => (int)(place >> 2);
}
