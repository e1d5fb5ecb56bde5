namespace Bulkhead.Machine.Tests.Tracing;

/// <summary>A stream on a full disk.</summary>
internal sealed class FullStream : MemoryStream
{
    public override void Write(byte[] buffer, int offset, int count) => throw new IOException("no space");

    public override void Write(ReadOnlySpan<byte> buffer) => throw new IOException("no space");
}
