using Bulkhead.X86.Instructions;
using Iced.Intel;

namespace Bulkhead.Translator.Tests.Differential;

/// <summary>One instruction with everything it can see.</summary>
/// <param name="Seed">Gives the same case again, with <paramref name="Code"/>.</param>
/// <param name="Code">What was asked for; the bytes at <see cref="Arena.Code"/> decode to it.</param>
/// <param name="Bytes">The instruction.</param>
/// <param name="State">The registers before.</param>
/// <param name="Memory">The arena before: see <see cref="Arena"/>.</param>
internal sealed record Case(int Seed, Code Code, byte[] Bytes, CpuState State, byte[] Memory)
{
    internal ref readonly InstructionEntry Entry => ref InstructionTable.Get(Code);

    internal Instruction Decode()
    {
        Decoder.Create(64, Bytes, Arena.Code).Decode(out Instruction instruction);
        return instruction;
    }

    /// <summary>The line that reproduces it.</summary>
    public override string ToString() => $"CaseGenerator.Create({Seed}, Code.{Code})  {Convert.ToHexString(Bytes)}  {Decode()}";
}
