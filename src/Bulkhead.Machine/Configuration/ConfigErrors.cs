using Bulkhead.Host;
using YamlDotNet.Core;

namespace Bulkhead.Machine.Configuration;

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
        _errors.Add((at, $"{file}:{at.Line}:{at.Column}: {place}{problem}; {accepted}{hint}"));
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
}
