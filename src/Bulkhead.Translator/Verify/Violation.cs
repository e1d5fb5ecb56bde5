namespace Bulkhead.Translator.Verify;

/// <summary>What is wrong with emitted code, and where.</summary>
/// <param name="Rip">The guest RIP of the block; 0 for the thunks.</param>
/// <param name="Offset">Offset of the host instruction in the block.</param>
/// <param name="Bytes">The host bytes from there on, in hexadecimal.</param>
/// <param name="Rule">The rule they break.</param>
internal sealed record Violation(ulong Rip, int Offset, string Bytes, string Rule)
{
    /// <inheritdoc/>
    public override string ToString() => $"block {Rip:x}, host offset {Offset:x}, bytes {Bytes}: {Rule}";
}
