using System.Text;
using Bulkhead.X86.Instructions;
using Iced.Intel;

namespace Bulkhead.Tools.InstructionTable;

/// <summary>Writes the table for readers.</summary>
internal static class TsvWriter
{
    internal static string Write(IEnumerable<Row> rows)
    {
        var text = new StringBuilder();
        text.Append("code\tclass\tfeature\tmanual\tmodes\tencoded\toperands\taccess\tmemory\talign\tlock\ttraps\tunit\timplied\tundefined\tmanual's words\n");
        foreach (Row row in rows)
        {
            string operands = string.Join(' ', row.Roles.Where(r => r != OperandRole.None));
            text.AppendJoin('\t',
                row.Code, row.Class, row.Feature, row.Manual, row.Modes, row.Form == default ? "-" : Encoding(row.Form),
                operands.Length == 0 ? "-" : operands, Access(row), Memory(row), row.Alignment == 0 ? "-" : row.Alignment, row.Lockable ? "lock" : "-",
                row.Traps ? "traps" : "-", row.UsesX87 ? row.UsesVector ? "x87+vector" : "x87" : row.UsesVector ? "vector" : "-", Registers(row.ImpliedRegisters),
                Flags.Format(row.UndefinedFlags), row.Words);
            while (text[^1] == '\t')
            {
                text.Length--;
            }

            text.Append('\n');
        }

        return text.ToString();
    }

    private static string Encoding(Form form)
    {
        string map = form.Map switch { 1 => "0F ", 2 => "0F38 ", 3 => "0F3A ", _ => "" };
        string tail = form.FixedModRm != 0 ? $" {form.FixedModRm:X2}" : form.Group >= 0 ? $" /{form.Group}" : form.HasModRm ? " /r" : "";
        return $"{(form.Vex ? $"VEX.{(form.L ? 256 : 128)} " : "")}{(form.Prefix == 0 ? "" : $"{form.Prefix:X2} ")}{(form.Operand16 ? "66 " : "")}{(form.W ? "W " : "")}{map}{form.Opcode:X2}{tail}";
    }

    private static string Access(Row row)
    {
        var text = new StringBuilder();
        for (int i = 0; i < 4 && row.Roles[i] != OperandRole.None; i++)
        {
            text.Append(i == 0 ? "" : " ").Append((row.Access >> i & 0x11) switch { 0x11 => "rw", 0x10 => "w", 1 => "r", _ => "-" });
        }

        return text.Length == 0 ? "-" : text.ToString();
    }

    private static string Memory(Row row) => row.MemoryBytes == 0 ? "-" : $"{row.MemoryBytes}{(row.MemoryRead ? "r" : "")}{(row.MemoryWritten ? "w" : "")}";

    private static string Registers(int mask) =>
        mask == 0 ? "-" : string.Join(' ', Enumerable.Range(0, 8).Where(i => (mask & (1 << i)) != 0).Select(i => (Register.RAX + i).ToString().ToLowerInvariant()));
}
