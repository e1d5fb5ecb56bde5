namespace Bulkhead.Devices.Keyboard;

/// <summary>A key goes down or up.</summary>
/// <param name="Key">Which one: its code in set 1, with <see cref="Extended"/> where E0 goes before it.</param>
/// <param name="Release">Whether it goes up.</param>
public readonly record struct KeyStroke(ushort Key, bool Release)
{
    /// <summary>Marks the keys that came with the 101-key keyboard.</summary>
    public const ushort Extended = 0xE000;
}
