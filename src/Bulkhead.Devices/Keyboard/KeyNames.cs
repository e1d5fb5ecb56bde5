namespace Bulkhead.Devices.Keyboard;

/// <summary>The keys of a US keyboard: by name, and by the characters on them.</summary>
public static class KeyNames
{
    private const ushort Shift = 0x2A;
    private const ushort E0 = KeyStroke.Extended;

    private static readonly (string Characters, string Shifted, ushort First)[] s_rows =
    [
        ("1234567890-=", "!@#$%^&*()_+", 0x02),
        ("qwertyuiop[]", "QWERTYUIOP{}", 0x10),
        ("asdfghjkl;'`", "ASDFGHJKL:\"~", 0x1E),
        ("\\zxcvbnm,./", "|ZXCVBNM<>?", 0x2B),
    ];

    private static readonly Dictionary<string, ushort> s_names = new(StringComparer.Ordinal)
    {
        ["esc"] = 0x01, ["backspace"] = 0x0E, ["tab"] = 0x0F, ["enter"] = 0x1C, ["ctrl"] = 0x1D, ["shift"] = Shift, ["rshift"] = 0x36, ["alt"] = 0x38,
        ["space"] = 0x39, ["capslock"] = 0x3A, ["f1"] = 0x3B, ["f2"] = 0x3C, ["f3"] = 0x3D, ["f4"] = 0x3E, ["f5"] = 0x3F, ["f6"] = 0x40, ["f7"] = 0x41,
        ["f8"] = 0x42, ["f9"] = 0x43, ["f10"] = 0x44, ["f11"] = 0x57, ["f12"] = 0x58, ["numlock"] = 0x45, ["scrolllock"] = 0x46,
        ["rctrl"] = E0 | 0x1D, ["print"] = E0 | 0x37, ["altgr"] = E0 | 0x38, ["home"] = E0 | 0x47, ["up"] = E0 | 0x48, ["pageup"] = E0 | 0x49,
        ["left"] = E0 | 0x4B, ["right"] = E0 | 0x4D, ["end"] = E0 | 0x4F, ["down"] = E0 | 0x50, ["pagedown"] = E0 | 0x51, ["insert"] = E0 | 0x52,
        ["delete"] = E0 | 0x53, ["meta"] = E0 | 0x5B, ["menu"] = E0 | 0x5D, ["minus"] = 0x0C,
    };

    private static readonly Dictionary<char, (ushort Key, bool Shifted)> s_characters = Characters();

    /// <summary>The names of keys that have no character on them, and of the minus, which joins names.</summary>
    public static IEnumerable<string> Known => s_names.Keys;

    /// <summary>The strokes that write a text.</summary>
    /// <param name="text">Characters of a US keyboard, new lines and tabs.</param>
    /// <param name="strange">A character that is on no key, where the answer is null.</param>
    public static IReadOnlyList<KeyStroke>? OfText(string text, out char strange)
    {
        ArgumentNullException.ThrowIfNull(text);
        var strokes = new List<KeyStroke>();
        foreach (char c in text)
        {
            if (!s_characters.TryGetValue(c, out (ushort Key, bool Shifted) key))
            {
                strange = c;
                return null;
            }

            Chord(strokes, key.Shifted ? [Shift, key.Key] : [key.Key]);
        }

        strange = '\0';
        return strokes;
    }

    /// <summary>The strokes of keys that are held together, as in <c>ctrl-alt-delete</c>; null where there is no such key.</summary>
    public static IReadOnlyList<KeyStroke>? OfChord(string chord)
    {
        ArgumentNullException.ThrowIfNull(chord);
        var keys = new List<ushort>();
        foreach (string name in chord.Split('-'))
        {
            if (s_names.TryGetValue(name, out ushort key))
            {
                keys.Add(key);
            }
            else if (name.Length == 1 && s_characters.TryGetValue(name[0], out (ushort Key, bool Shifted) character) && !character.Shifted)
            {
                keys.Add(character.Key);
            }
            else
            {
                return null;
            }
        }

        var strokes = new List<KeyStroke>();
        Chord(strokes, [.. keys]);
        return strokes;
    }

    private static void Chord(List<KeyStroke> strokes, params ReadOnlySpan<ushort> keys)
    {
        foreach (ushort key in keys)
        {
            strokes.Add(new KeyStroke(key, Release: false));
        }

        for (int i = keys.Length - 1; i >= 0; i--)
        {
            strokes.Add(new KeyStroke(keys[i], Release: true));
        }
    }

    private static Dictionary<char, (ushort Key, bool Shifted)> Characters()
    {
        var characters = new Dictionary<char, (ushort, bool)> { ['\n'] = (0x1C, false), ['\t'] = (0x0F, false), [' '] = (0x39, false) };
        foreach ((string plain, string shifted, ushort first) in s_rows)
        {
            for (int i = 0; i < plain.Length; i++)
            {
                characters[plain[i]] = ((ushort)(first + i), false);
                characters[shifted[i]] = ((ushort)(first + i), true);
            }
        }

        return characters;
    }
}
