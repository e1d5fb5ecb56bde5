namespace Bulkhead.Machine.Configuration.Fields;

/// <summary>What a field of the system file holds.</summary>
internal enum FieldKind
{
    /// <summary>Any text.</summary>
    Text,

    /// <summary>A name of the file: lower-case letters, digits, hyphens.</summary>
    Name,

    /// <summary>One of some words.</summary>
    Choice,

    /// <summary>A whole number in a range.</summary>
    Number,

    /// <summary>A size in a range, in bytes.</summary>
    Size,

    /// <summary>A time in a range, in nanoseconds.</summary>
    Duration,

    /// <summary>A list of CPU numbers, ranges and the word <c>last</c>.</summary>
    Cpus,

    /// <summary>One of some words, or a mapping of fields.</summary>
    ChoiceOrMap,

    /// <summary>A list of names.</summary>
    Names,

    /// <summary>A text or a list of texts.</summary>
    Texts,

    /// <summary>A mapping of names of variables to their values.</summary>
    Variables,

    /// <summary>A mapping of fields.</summary>
    Map,

    /// <summary>A list of mappings.</summary>
    List,
}
