using Bulkhead.Images.Elf;
using CsCheck;
using Xunit;

namespace Bulkhead.Images.Tests;

public sealed class ElfDependenciesTests
{
    [Fact]
    public void TryRead_DynamicProgramOfTheHost_NamesLoaderAndLibrary()
    {
        if (!File.Exists("/bin/sh"))
        {
            Assert.Skip("the host has no /bin/sh");
        }

        Assert.True(ElfDependencies.TryRead(File.ReadAllBytes("/bin/sh"), out ElfDependencies dependencies));
        if (dependencies.Interpreter is null)
        {
            Assert.Skip("the host's /bin/sh is static");
        }

        Assert.StartsWith("/lib", dependencies.Interpreter, StringComparison.Ordinal);
        Assert.Contains(dependencies.Needed, n => n.Contains("libc", StringComparison.Ordinal));
    }

    [Fact]
    public void TryRead_AnyBytes_AreRefusedOrRead() =>
        Gen.Byte.Array[0, 300].Sample(bytes =>
        {
            byte[] file = [.. "\u007fELF\u0002\u0001"u8, .. bytes];
            _ = ElfDependencies.TryRead(file, out _);
        });

    [Fact]
    public void TryRead_Text_IsRefused() => Assert.False(ElfDependencies.TryRead("#!/bin/sh\n"u8, out _));
}
