using Bulkhead.Host;
using Bulkhead.Images.Debian;
using Bulkhead.Images.Recipes;
using Xunit;

namespace Bulkhead.Images.Tests;

public sealed class KernelModulesTests
{
    private static readonly string[] s_names = ["button", "evdev"];

    [Theory]
    [InlineData("lib/modules/6.1.0/kernel/drivers/acpi/button.ko", true)]
    [InlineData("lib/modules/6.12/kernel/drivers/input/evdev.ko.xz", true)]
    [InlineData("lib/modules/6.1.0/kernel/drivers/input/misc/soc_button.ko", false)]
    [InlineData("lib/modules/6.1.0/kernel/drivers/acpi/button.ko.sig", false)]
    [InlineData("doc/button.ko", false)]
    public void IsWanted_Path_IsAModuleByName(string path, bool expected) => Assert.Equal(expected, KernelModules.IsWanted(path, s_names));

    [Fact]
    public void Pick_FilesOfAPackage_GivesTheModulesInOrderSideBySide()
    {
        DebFile evdev = new("lib/modules/6.1.0/kernel/drivers/input/evdev.ko", [1], null);
        DebFile button = new("lib/modules/6.1.0/kernel/drivers/acpi/button.ko.xz", [2], null);

        IReadOnlyList<DebFile> picked = KernelModules.Pick([new("boot/vmlinuz-6.1.0", [0], null), evdev, button], s_names);

        Assert.Equal(["lib/modules/button.ko.xz", "lib/modules/evdev.ko"], picked.Select(f => f.Path));
        Assert.Equal([2, 1], picked.Select(f => f.Content[0]));
    }

    [Fact]
    public void Pick_AModuleIsMissing_SaysWhich()
    {
        OperatorException error = Assert.Throws<OperatorException>(() => KernelModules.Pick([], s_names));

        Assert.Contains("0 modules button", error.Message, StringComparison.Ordinal);
    }
}
