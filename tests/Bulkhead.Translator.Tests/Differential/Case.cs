using Bulkhead.X86.Instructions;
using Iced.Intel;

namespace Bulkhead.Translator.Tests.Differential;

/// <summary>One instruction, or a few, with everything they can see.</summary>
/// <param name="Seed">Gives the same case again, with <paramref name="Code"/>.</param>
/// <param name="Code">What was asked for; the bytes at <see cref="Arena.Code"/> decode to it, where it is one instruction.</param>
/// <param name="Bytes">The code.</param>
/// <param name="State">The registers before.</param>
/// <param name="Memory">The arena before: see <see cref="Arena"/>.</param>
/// <param name="Steps">How many instructions.</param>
internal sealed record Case(int Seed, Code Code, byte[] Bytes, CpuState State, byte[] Memory, int Steps = 1)
{
    internal ref readonly InstructionEntry Entry => ref InstructionTable.Get(Code);

    internal Instruction Decode() => DecodeAll()[0];

    internal Instruction[] DecodeAll()
    {
        var decoder = Decoder.Create(64, Bytes, Arena.Code);
        var all = new Instruction[Steps];
        for (int i = 0; i < Steps; i++)
        {
            decoder.Decode(out all[i]);
        }

        return all;
    }

    /// <summary>The line that reproduces it.</summary>
    public override string ToString()
    {
        string how = Steps == 1 ? $"CaseGenerator.Create({Seed}, Code.{Code})" : $"CaseGenerator.CreateSequence({Seed})";
        return $"{how}  {Convert.ToHexString(Bytes)}  {string.Join("; ", DecodeAll())}";
    }
}
