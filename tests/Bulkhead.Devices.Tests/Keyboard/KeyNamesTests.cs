using Bulkhead.Devices.Keyboard;
using Xunit;

namespace Bulkhead.Devices.Tests.Keyboard;

public sealed class KeyNamesTests
{
    [Fact]
    public void Text_EveryPrintableCharacter_HasAKeyOfItsOwn()
    {
        string all = string.Concat(Enumerable.Range(' ', '~' - ' ' + 1).Select(static c => (char)c));
        IReadOnlyList<KeyStroke> strokes = KeyNames.OfText(all, out _)!; // each is there
        Assert.Equal(strokes.Count(static s => s.Release), strokes.Count(static s => !s.Release));
        var keys = all.Select(static c => string.Join(' ', KeyNames.OfText(c.ToString(), out _)!)).ToHashSet(); // as above
        Assert.Equal(all.Length, keys.Count);
    }

    [Theory]
    [InlineData("a", "1E+ 1E-")]
    [InlineData("A", "2A+ 1E+ 1E- 2A-")]
    [InlineData("?\n", "2A+ 35+ 35- 2A- 1C+ 1C-")]
    [InlineData("`", "29+ 29-")]
    [InlineData("|", "2A+ 2B+ 2B- 2A-")]
    public void Text_IsTypedAsOnAUsKeyboard(string text, string strokes) => Assert.Equal(strokes, Words(KeyNames.OfText(text, out _)));

    [Theory]
    [InlineData("ctrl-alt-delete", "1D+ 38+ E053+ E053- 38- 1D-")]
    [InlineData("f12", "58+ 58-")]
    [InlineData("minus", "0C+ 0C-")]
    [InlineData("alt-2", "38+ 03+ 03- 38-")]
    public void Chord_IsHeldTogether(string chord, string strokes) => Assert.Equal(strokes, Words(KeyNames.OfChord(chord)));

    [Theory]
    [InlineData("")]
    [InlineData("ctrl-")]
    [InlineData("A")]
    [InlineData("control")]
    public void Chord_OfWhatIsNoKey_IsNone(string chord) => Assert.Null(KeyNames.OfChord(chord));

    [Fact]
    public void Text_WithWhatIsOnNoKey_NamesIt()
    {
        Assert.Null(KeyNames.OfText("naïve", out char strange));
        Assert.Equal('ï', strange);
    }

    private static string Words(IReadOnlyList<KeyStroke>? strokes) => string.Join(' ', (strokes ?? []).Select(static s => $"{s.Key:X2}{(s.Release ? '-' : '+')}"));
}
