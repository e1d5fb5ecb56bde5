namespace Bulkhead.Machine.Configuration.Fields;

/// <summary>The fields of one kind of mapping.</summary>
/// <param name="name">The kind: <c>domain</c>.</param>
/// <param name="what">What it describes, one line.</param>
/// <param name="fields">The fields, in the order they are listed to an operator.</param>
internal sealed class FieldTable(string name, string what, params ConfigField[] fields)
{
    public string Name => name;

    public string What => what;

    public IReadOnlyList<ConfigField> Fields => fields;

    /// <summary>The fields' names.</summary>
    public string[] Names { get; } = [.. fields.Select(static f => f.Name)];

    /// <summary>Of these fields exactly one is there, or one beside which it may stand; empty where there is no such rule.</summary>
    public IReadOnlyList<(string Name, string? Beside)> ExactlyOne { get; init; } = [];
}
