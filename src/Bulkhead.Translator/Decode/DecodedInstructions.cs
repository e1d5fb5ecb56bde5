using Bulkhead.X86.Instructions;
using Iced.Intel;

namespace Bulkhead.Translator.Decode;

/// <summary>Instructions decoded lately, by where they stand and what their bytes were.</summary>
/// <remarks><i>Threading</i>: one thread. <i>Cost</i>: a comparison of 16 bytes where decoding takes a hundred nanoseconds.</remarks>
/// <param name="offers">The guest's features.</param>
internal sealed unsafe class DecodedInstructions(Func<CpuFeature, bool> offers)
{
    private const int Entries = 32;

    private readonly BlockReader _reader = new(offers);
    private readonly Entry[] _entries = new Entry[Entries];

    /// <summary>The instruction of these bytes (at most 15) at <paramref name="rip"/> in code of so many bits.</summary>
    internal ref readonly Instruction Decode(byte* bytes, int length, ulong rip, int bits)
    {
        UInt128 value = 0;
        new ReadOnlySpan<byte>(bytes, length).CopyTo(new Span<byte>(&value, BlockReader.MaxInstructionBytes));
        ref Entry e = ref _entries[(int)rip & (Entries - 1)];
        if (e.Rip != rip || e.Bits != bits || e.Bytes != value)
        {
            _reader.Open(bytes, bits);
            _ = _reader.TryDecode(bytes, bytes + length, rip, out e.Instruction);
            (e.Rip, e.Bits, e.Bytes) = (rip, bits, value);
        }

        return ref e.Instruction;
    }

    private struct Entry
    {
        internal ulong Rip;
        internal int Bits;
        internal UInt128 Bytes;
        internal Instruction Instruction;
    }
}
