namespace Bulkhead.Machine.Configuration.Fields;

/// <summary>One field of the system file: what the reader accepts and what an editor is told.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">What it holds.</param>
/// <param name="What">What it is for, one line.</param>
internal sealed record ConfigField(string Name, FieldKind Kind, string What)
{
    /// <summary>Whether it must be there.</summary>
    public bool Required { get; init; }

    /// <summary>The value of a file that leaves it out, as it is written, or null where that is none.</summary>
    public string? Default { get; init; }

    /// <summary>The field it goes with, or null where it stands alone.</summary>
    public string? With { get; init; }

    /// <summary>The words of a <see cref="FieldKind.Choice"/>.</summary>
    public IReadOnlyList<string> Words { get; init; } = [];

    /// <summary>The least number, size in bytes or time in nanoseconds.</summary>
    public long Least { get; init; }

    /// <summary>The largest, likewise; also the largest CPU number.</summary>
    public long Most { get; init; }

    /// <summary>The fields of a <see cref="FieldKind.Map"/> or of each entry of a <see cref="FieldKind.List"/>.</summary>
    public FieldTable? Fields { get; init; }

    public static ConfigField Text(string name, string what) => new(name, FieldKind.Text, what);

    public static ConfigField OwnName(string name, string what) => new(name, FieldKind.Name, what);

    public static ConfigField Choice(string name, IReadOnlyList<string> words, string what) => new(name, FieldKind.Choice, what) { Words = words };

    public static ConfigField Number(string name, long least, long most, string what) => new(name, FieldKind.Number, what) { Least = least, Most = most };

    public static ConfigField Size(string name, ulong least, ulong most, string what) =>
        new(name, FieldKind.Size, what) { Least = checked((long)least), Most = checked((long)most) };

    public static ConfigField Duration(string name, long least, long most, string what) => new(name, FieldKind.Duration, what) { Least = least, Most = most };

    public static ConfigField Cpus(string name, long most, string what) => new(name, FieldKind.Cpus, what) { Most = most };

    public static ConfigField ChoiceOrMap(string name, IReadOnlyList<string> words, FieldTable fields, string what) =>
        new(name, FieldKind.ChoiceOrMap, what) { Words = words, Fields = fields };

    public static ConfigField Names(string name, string what) => new(name, FieldKind.Names, what);

    public static ConfigField Texts(string name, string what) => new(name, FieldKind.Texts, what);

    public static ConfigField Variables(string name, string what) => new(name, FieldKind.Variables, what);

    public static ConfigField Map(string name, FieldTable fields, string what) => new(name, FieldKind.Map, what) { Fields = fields };

    public static ConfigField List(string name, FieldTable fields, string what) => new(name, FieldKind.List, what) { Fields = fields };
}
