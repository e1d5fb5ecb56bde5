using Bulkhead.Devices.Keyboard;
using Bulkhead.Host;

namespace Bulkhead.Machine.Devices;

/// <summary>What an operator wants typed on a domain's keyboard, and how far that is done.</summary>
/// <remarks><i>Errors</i>: <see cref="OperatorException"/> where it is made of what is on no key. <i>Threading</i>: one thread, which is any.</remarks>
public sealed class KeySequence
{
    private readonly IReadOnlyList<KeyStroke> _strokes;
    private int _next;

    private KeySequence(IReadOnlyList<KeyStroke> strokes) => _strokes = strokes;

    /// <summary>Whether all of it was typed.</summary>
    public bool IsDone => _next == _strokes.Count;

    /// <summary>A text, as on a US keyboard.</summary>
    public static KeySequence OfText(string text) => new(KeyNames.OfText(text, out char strange)
        ?? throw new OperatorException($"U+{(int)strange:X4} is on no key of a US keyboard; give letters, digits, signs, new lines and tabs of ASCII.", 2));

    /// <summary>Keys with spaces between them; those that hyphens join are held together.</summary>
    public static KeySequence OfKeys(string keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        var strokes = new List<KeyStroke>();
        foreach (string chord in keys.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            strokes.AddRange(KeyNames.OfChord(chord) ?? throw new OperatorException($"{chord}: there is no such key{Near(chord)}; see 'bulkhead keys --help'.", 2));
        }

        return new KeySequence(strokes);
    }

    /// <summary>Types the next key, or the next ones that are held together, as far as a keyboard takes them now.</summary>
    /// <remarks>Whoever types pauses between two: no hand is as fast as a guest may lose keys, which OVMF does that looks every 20 ms and
    /// keeps 32 codes.</remarks>
    /// <returns>Whether it took anything.</returns>
    internal bool TryType(I8042 keyboard)
    {
        int before = _next;
        while (!IsDone && keyboard.TryPress(_strokes[_next]))
        {
            bool released = _strokes[_next++].Release;
            if (released && !IsDone && !_strokes[_next].Release)
            {
                break;
            }
        }

        return _next > before;
    }

    private static string Near(string chord)
    {
        foreach (string name in chord.Split('-'))
        {
            if (KeyNames.OfChord(name) is null && NearestName.Find(name, [.. KeyNames.Known]) is { } near)
            {
                return $" (did you mean {near}?)";
            }
        }

        return string.Empty;
    }
}
