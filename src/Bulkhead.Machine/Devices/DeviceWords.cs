using Bulkhead.Host;

namespace Bulkhead.Machine.Devices;

/// <summary>A device in one word, as a command line has it: <c>WHAT[,name][,name=value]…</c></summary>
internal sealed class DeviceWords
{
    private readonly List<(string Name, string Value)> _words = [];

    private DeviceWords(string what) => What = what;

    /// <summary>What stands first.</summary>
    internal string What { get; }

    /// <summary>Whether a name is there.</summary>
    internal bool Has(string name) => _words.Exists(w => w.Name == name);

    /// <summary>The value of a name, or null.</summary>
    internal string? Value(string name) => Values(name).FirstOrDefault();

    /// <summary>Every value of a name that may be repeated.</summary>
    internal IEnumerable<string> Values(string name) => _words.Where(w => w.Name == name).Select(static w => w.Value);

    /// <summary>Takes a word apart.</summary>
    /// <param name="text">The word; a comma that belongs to what stands first is written twice.</param>
    /// <param name="flags">Names that stand alone.</param>
    /// <param name="values">Names that have a value.</param>
    /// <param name="error">What is wrong and the fix, or null.</param>
    /// <param name="repeated">A name that may stand several times.</param>
    internal static DeviceWords? Parse(string text, string[] flags, string[] values, out string? error, string? repeated = null)
    {
        string[] parts = [.. text.Replace(",,", "\0", StringComparison.Ordinal).Split(',').Select(static p => p.Replace('\0', ','))];
        var device = new DeviceWords(parts[0]);
        error = parts[0].Length == 0 ? "nothing stands before the first comma." : null;
        foreach (string part in parts[1..])
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? part : part[..equals];
            string[] known = [.. flags, .. values.Select(static v => v + "=")];
            bool right = equals < 0 ? flags.Contains(name) : values.Contains(name);
            error ??= !right ? $"'{part}' is not known here; known are {string.Join(", ", known)}{Nearest(name, [.. flags, .. values])}."
                : name != repeated && device.Has(name) ? $"{name} stands there twice; give it once." : null;
            device._words.Add((name, part[(equals + 1)..]));
        }

        return error is null ? device : null;
    }

    private static string Nearest(string name, string[] known) => NearestName.Find(name, known) is { } near ? $" (did you mean {near}?)" : string.Empty;
}
