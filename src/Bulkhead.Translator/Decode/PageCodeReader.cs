using Iced.Intel;

namespace Bulkhead.Translator.Decode;

/// <summary>Feeds a decoder from guest bytes in host memory, never past the end given.</summary>
internal sealed unsafe class PageCodeReader : CodeReader
{
    private byte* _at;
    private byte* _end;

    /// <summary>Starts at <paramref name="start"/>; reads stop at <paramref name="end"/>.</summary>
    internal void Set(byte* start, byte* end)
    {
        _at = start;
        _end = end;
    }

    /// <inheritdoc/>
    public override int ReadByte() => _at < _end ? *_at++ : -1;
}
