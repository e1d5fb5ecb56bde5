namespace Bulkhead.Translator.Emit;

/// <summary>What r11 holds when translated code leaves: the reason in its low seven bits, then <see cref="RelativeRip"/>, and from
/// bit 8 on what belongs to the reason.</summary>
internal static class ExitWord
{
    /// <summary>The bit that says that the guest RIP in r10 counts from <c>CodeBase</c>.</summary>
    internal const uint RelativeRip = 0x80;

    /// <summary>Why translated code left.</summary>
    internal static ExitCode Reason(uint word) => (ExitCode)(word & (RelativeRip - 1));

    /// <summary>Whether the guest RIP in r10 counts from <c>CodeBase</c>.</summary>
    internal static bool IsRelative(uint word) => (word & RelativeRip) != 0;
}
