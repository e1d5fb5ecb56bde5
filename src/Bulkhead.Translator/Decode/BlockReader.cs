using Bulkhead.X86.Instructions;
using Iced.Intel;

namespace Bulkhead.Translator.Decode;

/// <summary>Decodes guest instructions of one page; no bytes beyond it are looked at.</summary>
/// <remarks><i>Threading</i>: under the code space's lock. <i>Cost</i>: one decoder per bitness, no allocation.</remarks>
internal sealed unsafe class BlockReader
{
    /// <summary>The most bytes of an instruction.</summary>
    internal const int MaxInstructionBytes = 15;

    /// <summary>Words of a note of which bytes of a page were read.</summary>
    internal const int PageWords = 4096 / 64;

    private readonly PageCodeReader _reader = new();
    private readonly Decoder[] _decoders;
    private Decoder _decoder;
    private byte* _page;
    private ulong* _noted;

    /// <summary>Reads as a processor with these features: one without BMI1, LZCNT or WBNOINVD knows TZCNT, LZCNT and WBNOINVD as BSF, BSR and
    /// WBINVD with a prefix that says nothing.</summary>
    /// <remarks><i>Source</i>: Intel SDM Vol. 2, TZCNT, LZCNT, WBNOINVD.</remarks>
    internal BlockReader(Func<CpuFeature, bool> offers)
    {
        DecoderOptions options = DecoderOptions.NoWbnoinvd
            | (offers(CpuFeature.Bmi1) ? DecoderOptions.None : DecoderOptions.NoMPFX_0FBC)
            | (offers(CpuFeature.Lzcnt) ? DecoderOptions.None : DecoderOptions.NoMPFX_0FBD);
        _decoders = [Decoder.Create(16, _reader, options), Decoder.Create(32, _reader, options), Decoder.Create(64, _reader, options)];
        _decoder = _decoders[2];
    }

    /// <summary>Chooses the page (4096 bytes) and the mode (16, 32, 64).</summary>
    /// <param name="page">The page.</param>
    /// <param name="bits">The mode.</param>
    /// <param name="noted">A bit for each of its bytes, which is set where it is read; null: nobody wants to know.</param>
    internal void Open(byte* page, int bits, ulong* noted = null)
    {
        _page = page;
        _noted = noted;
        _decoder = _decoders[bits >> 5];
    }

    /// <summary>Decodes the instruction at an offset of the page.</summary>
    /// <returns>False when it runs over the end of the page.</returns>
    internal bool TryDecode(int offset, ulong rip, out Instruction instruction)
    {
        bool whole = TryDecode(_page + offset, _page + 4096, rip, out instruction);
        if (_noted != null)
        {
            Note(_noted, offset, whole ? Math.Max(instruction.Length, 1) : 4096 - offset);
        }

        return whole;
    }

    /// <summary>Notes bytes of a page that were read.</summary>
    internal static void Note(ulong* noted, int offset, int length)
    {
        // SAFETY: the range lies in the page, for which there are as many bits (BesideCodeTests).
        for (int i = offset; i < offset + length; i++)
        {
            noted[i >> 6] |= 1ul << (i & 63);
        }
    }

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
