using Bulkhead.X86.Instructions;
using Iced.Intel;

namespace Bulkhead.Tools.InstructionTable;

/// <summary>Makes rows of Iced's metadata and the overrides.</summary>
internal sealed class RowBuilder(Overrides overrides)
{
    private readonly Overrides _overrides = overrides;
    private readonly InstructionInfoFactory _info = new();

    /// <summary>The row of a code, or null where it is not offered.</summary>
    internal Row? Build(Code code)
    {
        OpCodeInfo op = code.ToOpCode();
        if (!op.IsInstruction || op.Fwait || op.DecoderOption != DecoderOptions.None || op.Encoding is not (EncodingKind.Legacy or EncodingKind.VEX))
        {
            return null;
        }

        CpuFeature? feature = _overrides.Find("feature", code) is { } rule ? Enum.Parse<CpuFeature>(rule.Arguments[0]) : FeatureMap.Of(code);
        InstructionClass kind = _overrides.Class(code);
        if (kind == InstructionClass.Absent || feature is null)
        {
            return null;
        }

        Code encodedAs = _overrides.Find("as", code) is { } target ? Enum.Parse<Code>(target.Arguments[0]) : code;
        OperandRole[] roles = Roles(op, encodedAs);
        Form form = default;
        int bits = op.Mode64 ? 64 : op.Mode32 ? 32 : 16;
        if (kind == InstructionClass.Carried || (kind == InstructionClass.Footprint && op.Mode64))
        {
            form = Encode(encodedAs, roles);
        }

        if (kind == InstructionClass.Carried && roles.Contains(OperandRole.Other))
        {
            throw new InvalidDataException($"{code} is carried with an operand that has no place.");
        }

        bool isNop = encodedAs == Code.Nopd;
        Row row = Describe(new Row(code) { Class = kind, Feature = feature.Value, Manual = op.ToOpCodeString(), Modes = Modes(op), EncodedAs = encodedAs, Form = form, Roles = roles }, op, bits);
        return isNop ? row with { Access = 0, MemoryBytes = 0, MemoryRead = false, MemoryWritten = false, Alignment = 0, ImpliedRegisters = 0 } : row;
    }

    private static string Modes(OpCodeInfo op) => op.Mode64 ? op.Mode32 ? "all" : "64" : "16/32";

    private static OperandRole[] Roles(OpCodeInfo op, Code encodedAs)
    {
        OpCodeInfo target = encodedAs.ToOpCode();
        var roles = new OperandRole[4];
        for (int i = 0; i < Math.Min(op.OpCount, 4); i++)
        {
            roles[i] = i < target.OpCount ? Sample.Role(target.GetOpKind(i)) : OperandRole.Implied;
        }

        return roles;
    }

    private static Form Encode(Code code, OperandRole[] roles)
    {
        OpCodeInfo op = code.ToOpCode();
        bool memory = !Enumerable.Range(0, op.OpCount).Any(i => IsRegisterRm(op.GetOpKind(i)));
        Instruction sample = Sample.Build(op, memory, 64);
        var writer = new ByteWriter();
        Encoder.Create(64, writer).Encode(sample, 0);
        byte[] bytes = writer.ToArray();
        Decoder.Create(64, bytes).Decode(out Instruction back);
        if (back.Code != code)
        {
            throw new InvalidDataException($"{code} decodes again as {back.Code}.");
        }

        return Form.Parse(bytes, roles.Contains(OperandRole.Rm), roles.Contains(OperandRole.Reg), roles.Contains(OperandRole.OpcodeReg), roles.Sum(Sample.ImmediateBytes));
    }

    private static bool IsRegisterRm(OpCodeOperandKind kind) => Sample.Role(kind) == OperandRole.Rm && kind != OpCodeOperandKind.mem;

    private Row Describe(Row row, OpCodeInfo op, int bits)
    {
        var kinds = Enumerable.Range(0, op.OpCount).Select(op.GetOpKind).ToArray();
        bool registerForm = !kinds.Contains(OpCodeOperandKind.mem);
        bool memoryForm = kinds.Any(k => k is OpCodeOperandKind.mem or OpCodeOperandKind.mem_offs || k.ToString().EndsWith("_or_mem", StringComparison.Ordinal));
        Instruction sample = Sample.Build(op, !registerForm, bits);
        InstructionInfo info = _info.GetInfo(sample);
        int access = 0;
        for (int i = 0; i < Math.Min(op.OpCount, 4); i++)
        {
            access |= Bits(info.GetOpAccess(i), i);
        }

        if (_overrides.Find("reads", row.Code) is { } reads)
        {
            access |= 1 << int.Parse(reads.Arguments[0], System.Globalization.CultureInfo.InvariantCulture);
        }

        int implied = bits == 64 ? Implied(info) : 0;
        int bytes = 0, alignment = 0;
        bool read = false, written = false;
        if (memoryForm)
        {
            Instruction memorySample = Sample.Build(op, memory: true, bits);
            int at = Enumerable.Range(0, op.OpCount).First(i => memorySample.GetOpKind(i) == OpKind.Memory);
            int rw = Bits(_info.GetInfo(memorySample).GetOpAccess(at), 0);
            read = (rw & 1) != 0;
            written = (rw & 0x10) != 0;
            int size = memorySample.MemorySize.GetInfo().Size;
            bytes = rw != 0 && size < 256 ? size : 0;
            if (_overrides.Find("bytes", row.Code) is { } forced)
            {
                bytes = int.Parse(forced.Arguments[0], System.Globalization.CultureInfo.InvariantCulture);
            }

            alignment = Alignment(row.Code, op, kinds, bytes);
        }

        bool x87 = row.Feature == CpuFeature.Fpu || row.Code.CpuidFeatures().Contains(CpuidFeature.FPU) || row.Code is Code.Emms or Code.Wait || kinds.Any(k => k.ToString().StartsWith("mm_", StringComparison.Ordinal));
        Overrides.Rule? undefined = _overrides.Find("undefined", row.Code);
        Overrides.Rule? note = _overrides.Find("note", row.Code);
        return row with
        {
            Access = access,
            MemoryBytes = bytes,
            MemoryRead = read,
            MemoryWritten = written,
            Alignment = alignment,
            Lockable = op.CanUseLockPrefix,
            Traps = _overrides.Find("traps", row.Code) is not null || (x87 && _overrides.Find("nowait", row.Code) is null),
            UsesX87 = x87,
            UsesVector = kinds.Any(k => k.ToString() is var n && (n.Contains("xmm", StringComparison.Ordinal) || n.Contains("ymm", StringComparison.Ordinal) || n.Contains("vsib", StringComparison.Ordinal)))
                || row.Code.Mnemonic() is Mnemonic.Ldmxcsr or Mnemonic.Stmxcsr or Mnemonic.Vldmxcsr or Mnemonic.Vstmxcsr or Mnemonic.Vzeroupper or Mnemonic.Vzeroall,
            ImpliedRegisters = implied,
            UndefinedFlags = undefined is null ? 0 : Flags.Parse(undefined.Arguments),
            Words = undefined?.Words ?? note?.Words ?? "",
        };
    }

    private int Alignment(Code code, OpCodeInfo op, OpCodeOperandKind[] kinds, int bytes)
    {
        bool legacySse = op.Encoding == EncodingKind.Legacy && kinds.Any(k => k.ToString().StartsWith("xmm", StringComparison.Ordinal));
        bool unaligned = _overrides.Find("unaligned", code) is not null;
        return _overrides.Find("aligned", code) is not null || (legacySse && bytes == 16 && !unaligned) ? bytes : 0;
    }

    private static int Bits(OpAccess access, int i) => access switch
    {
        OpAccess.Read or OpAccess.CondRead => 1 << i,
        OpAccess.Write => 0x10 << i,
        OpAccess.CondWrite or OpAccess.ReadWrite or OpAccess.ReadCondWrite => 0x11 << i,
        _ => 0,
    };

    private static int Implied(InstructionInfo info)
    {
        int mask = 0;
        foreach (UsedRegister used in info.GetUsedRegisters())
        {
            if (used.Register.IsGPR() && used.Register.GetFullRegister() is var full && full < Register.R8)
            {
                mask |= 1 << (full - Register.RAX);
            }
        }

        return mask;
    }

    private sealed class ByteWriter : CodeWriter
    {
        private readonly List<byte> _bytes = [];

        public override void WriteByte(byte value) => _bytes.Add(value);

        internal byte[] ToArray() => [.. _bytes];
    }
}
