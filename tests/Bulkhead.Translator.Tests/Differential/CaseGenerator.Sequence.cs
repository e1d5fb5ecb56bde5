using Bulkhead.Translator.Emit;
using Bulkhead.X86.Instructions;
using Iced.Intel;

namespace Bulkhead.Translator.Tests.Differential;

internal sealed partial class CaseGenerator
{
    private const int Around = 4;

    /// <summary>How far from the main operand others of the same base register may begin.</summary>
    private const int Nearby = 72;

    // Filling the arena costs more than a case does: so many of them start from the same contents.
    private const int CasesAMemory = 256;

    private static readonly Code[] s_carried = [.. CaseRows.All.Where(c => InstructionTable.Get(c).Class == InstructionClass.Carried)];

    /// <summary>A few instructions of the carried kind: one of any form, and around it ones that work on registers alone, or behind it on memory
    /// near its operand; conditional jumps ahead stand between some of them.</summary>
    /// <remarks>What one leaves to the next shows here: flags that die or live on, spilled registers, one check for several operands, exact
    /// state at a fault in the middle. No flag is left out of the comparison, since both sides run the same instructions on the same processor.</remarks>
    internal static Case CreateSequence(int seed, Predicate<Code> wanted)
    {
        var random = new Random(seed);
        var info = new InstructionInfoFactory();
        Case Draw() => Create(random.Next(), Pick(random, wanted), seed / CasesAMemory);
        Case main;
        do
        {
            main = Draw();
        }
        while (main.Decode().IsIPRelativeMemoryOperand || Writes(info, main.Decode(), Register.RSP));

        Instruction access = main.Decode();
        List<byte[]> parts = [];
        int before = random.Next(Around), after = random.Next(Around);
        for (int i = 0; i < before; i++)
        {
            Append(parts, Draw(), c => !Writes(info, c, access.MemoryBase) && !Writes(info, c, access.MemoryIndex) && !Writes(info, c, Register.RSP));
        }

        parts.Add(main.Bytes);
        bool fields = random.Next(2) == 0 && access.MemoryBase.IsGPR64() && access.MemoryIndex == Register.None && !Writes(info, access, access.MemoryBase);
        for (int i = 0; i < after + (fields ? Around : 0); i++)
        {
            Case part = Draw();
            if (!fields || !TryAppendField(parts, part, access, random, c => !Writes(info, c, access.MemoryBase) && !Writes(info, c, Register.RSP)))
            {
                Append(parts, part, c => !Writes(info, c, Register.RSP) && !(fields && Writes(info, c, access.MemoryBase)));
            }
        }

        (byte[] bytes, int jumps) = JoinWithJumps(random, parts);
        return main with { Seed = seed, Bytes = bytes, Steps = parts.Count + jumps };
    }

    /// <summary>The parts, with jumps before some of them to later ones or to the end.</summary>
    private static (byte[] Bytes, int Jumps) JoinWithJumps(Random random, List<byte[]> parts)
    {
        const int JumpBytes = 2;
        bool straight = random.Next(2) == 0;
        int[] targets = [.. parts.Select((_, i) => straight || random.Next(2) == 0 ? -1 : random.Next(i, parts.Count) + 1)];
        int[] starts = new int[parts.Count + 1];
        for (int i = 0; i < parts.Count; i++)
        {
            starts[i + 1] = starts[i] + parts[i].Length + (targets[i] < 0 ? 0 : JumpBytes);
        }

        List<byte> bytes = [];
        for (int i = 0; i < parts.Count; i++)
        {
            if (targets[i] >= 0)
            {
                bytes.AddRange([(byte)(0x70 | random.Next(16)), (byte)(starts[targets[i]] - starts[i] - JumpBytes)]);
            }

            bytes.AddRange(parts[i]);
        }

        return ([.. bytes], targets.Count(t => t >= 0));
    }

    private static Code Pick(Random random, Predicate<Code> wanted)
    {
        Code code;
        do
        {
            code = s_carried[random.Next(s_carried.Length)];
        }
        while (!wanted(code));
        return code;
    }

    /// <summary>Appends an instruction, where it has no memory operand and is fit.</summary>
    private static void Append(List<byte[]> parts, Case part, Predicate<Instruction> fits)
    {
        Instruction instruction = part.Decode();
        if (!BlockEmitter.HasMemory(instruction) && fits(instruction))
        {
            parts.Add(part.Bytes);
        }
    }

    /// <summary>Appends an instruction whose memory operand goes near that of another, of the same base register, where it is fit.</summary>
    private static bool TryAppendField(List<byte[]> parts, Case part, in Instruction near, Random random, Predicate<Instruction> fits)
    {
        Instruction field = part.Decode();
        if (!BlockEmitter.HasMemory(field) || field.IsIPRelativeMemoryOperand || !field.MemoryBase.IsGPR64() || field.IsVsib
            || field.Mnemonic is Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc)
        {
            return false;
        }

        field.MemoryBase = near.MemoryBase;
        field.MemoryIndex = Register.None;
        field.MemoryIndexScale = 1;
        field.MemoryDisplacement64 = (ulong)((long)near.MemoryDisplacement64 + random.Next(-Nearby, Nearby));
        field.MemoryDisplSize = 8;
        if (!fits(field) || Encode(field) is not { } bytes)
        {
            return false;
        }

        parts.Add(bytes);
        return true;
    }

    private static bool Writes(InstructionInfoFactory info, in Instruction instruction, Register register)
    {
        if (register == Register.None)
        {
            return false;
        }

        foreach (UsedRegister used in info.GetInfo(instruction).GetUsedRegisters())
        {
            if (used.Register.GetFullRegister() == register.GetFullRegister()
                && used.Access is OpAccess.Write or OpAccess.CondWrite or OpAccess.ReadWrite or OpAccess.ReadCondWrite)
            {
                return true;
            }
        }

        return false;
    }
}
