using System.Diagnostics;
using Bulkhead.Devices.Backends.Disks.Compression;
using Xunit;

namespace Bulkhead.Devices.Tests.Disks;

public sealed class ZstdTests
{
    [Theory]
    [InlineData("-1")]
    [InlineData("-3")]
    [InlineData("-19")]
    [InlineData("--ultra -22")]
    [InlineData("--fast=5")]
    [InlineData("-3 --no-check")]
    public void TryDecode_WhatZstdPacked_IsTheSame(string level)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/zstd"), "there is no zstd here");
        using var folder = new TempFolder();
        var decoder = new ZstdDecoder();
        for (int seed = 0; seed < 12; seed++)
        {
            byte[] plain = seed == 0 ? new byte[4096] : Qcow2Tests.Compressible(seed * 61_441, seed);
            byte[] packed = Pack(folder, plain, level);
            byte[] output = new byte[plain.Length];

            Assert.True(decoder.TryDecode(packed, packed.Length, output), $"seed {seed}");
            Assert.True(output.AsSpan().SequenceEqual(plain), $"seed {seed}: differs at {output.AsSpan().CommonPrefixLength(plain)}");
            Assert.False(decoder.TryDecode(packed, packed.Length, new byte[plain.Length + 1]));
            Assert.False(decoder.TryDecode(packed, packed.Length / 2, output));
        }
    }

    [Fact]
    public void TryDecode_MutatedFrames_AnswersOnly()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/zstd"), "there is no zstd here");
        using var folder = new TempFolder();
        var decoder = new ZstdDecoder();
        byte[] plain = Qcow2Tests.Compressible(65536, 91);
        byte[] packed = Pack(folder, plain, "-9");
        byte[] output = new byte[plain.Length];
        int decoded = 0;
        for (int seed = 0; seed < 20_000; seed++)
        {
            var random = new Random(seed);
            byte[] bad = [.. packed];
            for (int i = random.Next(1, 4); i > 0; i--)
            {
                bad[random.Next(2) == 0 ? random.Next(Math.Min(300, bad.Length)) : random.Next(bad.Length)] ^= (byte)random.Next(1, 256);
            }

            decoded += decoder.TryDecode(bad, bad.Length, output) ? 1 : 0;
        }

        // Some still decode, to something else; the tables of one frame do not outlive it.
        Assert.InRange(decoded, 1, 19_999);
        Assert.True(decoder.TryDecode(packed, packed.Length, output));
        Assert.Equal(plain, output);
    }

    private static byte[] Pack(TempFolder folder, byte[] plain, string level)
    {
        File.WriteAllBytes(folder["plain"], plain);
        var start = new ProcessStartInfo("/usr/bin/zstd", [.. level.Split(' '), "-q", "-f", folder["plain"], "-o", folder["packed"]]);
        using Process process = Process.Start(start) ?? throw new InvalidOperationException("zstd");
        process.WaitForExit();
        return File.ReadAllBytes(folder["packed"]);
    }
}
