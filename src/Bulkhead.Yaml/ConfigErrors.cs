using Bulkhead.Host;
using YamlDotNet.Core;

namespace Bulkhead.Yaml;

/// <summary>Collects everything wrong with a file, so that the operator mends it in one pass.</summary>
internal sealed class ConfigErrors(string file)
{
    private readonly List<(Mark At, string Text)> _errors = [];

    public bool Any => _errors.Count != 0;

    /// <summary>Notes <c>FILE:LINE:COL: field.path: problem; accepted; did you mean X?</c>.</summary>
    public void Add(Mark at, string path, string problem, string accepted, string? meant = null)
    {
        string place = path.Length == 0 ? "" : path + ": ";
        string hint = meant is null ? "" : $"; did you mean {meant}?";
        string text = Printable($"{place}{problem}; {accepted}{hint}");
        _errors.Add((at, $"{file}:{at.Line}:{at.Column}: {text}"));
    }

    /// <summary>Throws what was noted, in the file's order.</summary>
    public void ThrowIfAny()
    {
        if (Any)
        {
            throw new OperatorException(
                string.Join('\n', _errors.OrderBy(e => e.At.Line).ThenBy(e => e.At.Column).Select(e => e.Text)), 2);
        }
    }

    // Quoted YAML text may hold anything; an error stays one line and never drives the terminal.
    private static string Printable(string text) =>
        string.Create(text.Length, text, static (to, from) =>
        {
            for (int i = 0; i < to.Length; i++)
            {
                to[i] = char.IsControl(from[i]) ? '?' : from[i];
            }
        });
}
