using Bulkhead.Translator.Cache;
using Bulkhead.Translator.Decode;
using Xunit;

namespace Bulkhead.Translator.Tests.Verify;

/// <summary>What a guest can make the code space keep has an end.</summary>
public sealed class CodeSpaceTests
{
    [Fact]
    public void HasRoom_PageEnteredUnderEverNewAddresses_EndsWithoutAnyCode()
    {
        using var guest = new VerifiedGuest("");
        for (int i = 0; i < CodeSpace.MaxPages && guest.Space.HasRoom; i++)
        {
            _ = guest.Space.PageFor((ulong)i << 12, 1, new ModeWord(Modes.Kernel64), busy: false);
        }

        Assert.Equal(0, guest.Space.CodeBytes);
        Assert.False(guest.Space.HasRoom);
    }
}
