using Iced.Intel;

namespace Bulkhead.Translator.Decode;

/// <summary>Decodes guest instructions of one page; no bytes beyond it are looked at.</summary>
/// <remarks><i>Threading</i>: under the code space's lock. <i>Cost</i>: one decoder per bitness, no allocation.</remarks>
internal sealed unsafe class BlockReader
{
    /// <summary>The most bytes of an instruction.</summary>
    internal const int MaxInstructionBytes = 15;

    private readonly PageCodeReader _reader = new();
    private readonly Decoder[] _decoders;
    private Decoder _decoder;
    private byte* _page;

    internal BlockReader()
    {
        _decoders = [Decoder.Create(16, _reader), Decoder.Create(32, _reader), Decoder.Create(64, _reader)];
        _decoder = _decoders[2];
    }

    /// <summary>Chooses the page (4096 bytes) and the mode (16, 32, 64).</summary>
    internal void Open(byte* page, int bits)
    {
        _page = page;
        _decoder = _decoders[bits >> 5];
    }

    /// <summary>Decodes the instruction at an offset of the page.</summary>
    /// <returns>False when it runs over the end of the page.</returns>
    internal bool TryDecode(int offset, ulong rip, out Instruction instruction) => TryDecode(_page + offset, _page + 4096, rip, out instruction);

    /// <summary>Decodes from any bytes.</summary>
    internal bool TryDecode(byte* start, byte* end, ulong rip, out Instruction instruction)
    {
        _reader.Set(start, end);
        _decoder.IP = rip;
        _decoder.Decode(out instruction);
        if (_decoder.Bitness == 64 && instruction.SegmentPrefix is Register.ES or Register.CS or Register.SS or Register.DS)
        {
            instruction.SegmentPrefix = Register.None; // null prefixes there, for the choice of #SS too
        }

        return !(instruction.IsInvalid && _decoder.LastError == DecoderError.NoMoreBytes);
    }
}
