namespace Bulkhead.Tools.InstructionTable;

/// <summary>The arithmetic flags by name.</summary>
internal static class Flags
{
    private static readonly (string Name, int Bit)[] s_flags = [("CF", 0), ("PF", 2), ("AF", 4), ("ZF", 6), ("SF", 7), ("OF", 11)];

    internal static int Parse(IEnumerable<string> names) => names.Sum(n => 1 << s_flags.Single(f => f.Name == n).Bit);

    internal static string Format(int mask) => mask == 0 ? "-" : string.Join(' ', s_flags.Where(f => (mask & (1 << f.Bit)) != 0).Select(f => f.Name));
}
