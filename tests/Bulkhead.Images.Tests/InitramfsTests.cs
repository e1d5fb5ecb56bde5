using Bulkhead.Images.Debian;
using Bulkhead.Images.Recipes;
using Xunit;

namespace Bulkhead.Images.Tests;

public sealed class InitramfsTests
{
    private const uint ExecutableFile = 0x81ed;
    private const uint PlainFile = 0x81a4;

    [Fact]
    public void Write_AnyImage_HoldsOurScriptsToBeExecuted()
    {
        IReadOnlyList<CpioEntry> entries = Write([]);

        Assert.All(GuestScripts.All, script =>
        {
            CpioEntry entry = Assert.Single(entries, e => e.Name == script.Path);
            Assert.Equal(ExecutableFile, entry.Mode);
            Assert.Equal(script.Content, entry.Content);
        });
    }

    [Fact]
    public void Write_Modules_StandWhereInitLoadsThemFrom()
    {
        IReadOnlyList<CpioEntry> entries = Write([new DebFile("lib/modules/button.ko", [1, 2, 3], null)]);

        CpioEntry entry = Assert.Single(entries, e => e.Name == "lib/modules/button.ko");
        Assert.Equal(PlainFile, entry.Mode);
        Assert.Equal([1, 2, 3], entry.Content);
    }

    [Fact]
    public void Write_EveryEntry_ComesAfterItsFolder()
    {
        var seen = new HashSet<string> { string.Empty };

        Assert.All(Write([new DebFile("lib/modules/button.ko", [1], null)]), entry =>
        {
            Assert.Contains(Path.GetDirectoryName(entry.Name)!, seen); // Null only for a root.
            Assert.True(seen.Add(entry.Name), entry.Name);
        });
    }

    private static IReadOnlyList<CpioEntry> Write(IReadOnlyList<DebFile> modules)
    {
        using var output = new MemoryStream();
        new Initramfs([0x7f], ["sh", "busybox"], [], [], modules).Write(output);
        return CpioReader.Read(output.ToArray());
    }
}
