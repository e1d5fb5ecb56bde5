using System.Text.RegularExpressions;
using Bulkhead.X86.Instructions;
using Iced.Intel;

namespace Bulkhead.Tools.InstructionTable;

/// <summary>The hand-kept rules of <c>overrides.txt</c>.</summary>
internal sealed class Overrides
{
    private readonly List<Rule> _rules = [];

    /// <summary>Reads the rules.</summary>
    internal static Overrides Load(string path)
    {
        var result = new Overrides();
        int number = 0;
        foreach (string line in File.ReadLines(path))
        {
            number++;
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            int colon = line.IndexOf(':', StringComparison.Ordinal);
            string[] head = line[..colon].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            string[] tail = line[(colon + 1)..].Split('|', 2);
            foreach (string pattern in tail[0].Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                var regex = new Regex("^" + Regex.Escape(pattern).Replace("\\*", ".*", StringComparison.Ordinal).Replace("\\?", ".", StringComparison.Ordinal) + "$");
                result._rules.Add(new Rule(head[0], head[1..], regex, pattern.Contains('_', StringComparison.Ordinal), tail.Length > 1 ? tail[1].Trim() : "", number));
            }
        }

        return result;
    }

    /// <summary>The last rule of a kind that names the code.</summary>
    internal Rule? Find(string kind, Code code)
    {
        string mnemonic = code.Mnemonic().ToString(), name = code.ToString();
        string plain = name.StartsWith("VEX_V", StringComparison.Ordinal) && kind == "traps" ? char.ToUpperInvariant(mnemonic[1]) + mnemonic[2..] : mnemonic;
        Rule? found = null;
        foreach (Rule rule in _rules)
        {
            if (rule.Kind == kind && (rule.Pattern.IsMatch(name) || (!rule.ByCode && (rule.Pattern.IsMatch(mnemonic) || rule.Pattern.IsMatch(plain)))))
            {
                rule.Used = true;
                found = rule;
            }
        }

        return found;
    }

    /// <summary>Patterns that name nothing: misspelt.</summary>
    internal IEnumerable<string> Unused() => _rules.Where(r => !r.Used).Select(r => $"line {r.Line}: {r.Kind} names nothing by {r.Pattern}");

    /// <summary>The class of a code: absent unless a rule names it.</summary>
    internal InstructionClass Class(Code code) =>
        Find("class", code) is { } rule ? Enum.Parse<InstructionClass>(rule.Arguments[0]) : InstructionClass.Absent;

    /// <summary>One rule for one pattern.</summary>
    internal sealed record Rule(string Kind, string[] Arguments, Regex Pattern, bool ByCode, string Words, int Line)
    {
        internal bool Used { get; set; }
    }
}
