using System.Numerics;
using System.Runtime.InteropServices;
using Bulkhead.Translator.Store;
using Xunit;

namespace Bulkhead.Translator.Tests.Store;

public sealed class PageHasherTests
{
    private readonly byte[] _key = new byte[PageHasher.KeyBytes];
    private readonly byte[] _page = new byte[4096];

    public PageHasherTests()
    {
        new Random(1).NextBytes(_key);
        new Random(2).NextBytes(_page);
    }

    [Fact]
    public void Hash_AnyPage_IsTheSumOfTheDefinition()
    {
        ulong[] key = MemoryMarshal.Cast<byte, ulong>(_key).ToArray();
        ulong[] words = MemoryMarshal.Cast<byte, ulong>(_page).ToArray();

        PageHash hash = new PageHasher(_key).Hash(_page);

        Assert.Equal(Sum(0), (BigInteger)hash.First);
        Assert.Equal(Sum(2), (BigInteger)hash.Second);

        BigInteger Sum(int from)
        {
            BigInteger sum = 0;
            for (int i = 0; i < words.Length; i += 2)
            {
                sum += (BigInteger)unchecked(words[i] + key[from + i]) * unchecked(words[i + 1] + key[from + i + 1]);
            }

            return sum & ((BigInteger.One << 128) - 1);
        }
    }

    [Fact]
    public void Hash_OneBitOfThePageDiffers_Differs()
    {
        PageHasher hasher = new(_key);
        HashSet<PageHash> seen = [hasher.Hash(_page)];
        for (int bit = 0; bit < 4096 * 8; bit += 7)
        {
            _page[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.True(seen.Add(hasher.Hash(_page)));
            _page[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void Hash_OtherKey_Differs()
    {
        PageHash before = new PageHasher(_key).Hash(_page);
        _key[0] ^= 1;

        Assert.NotEqual(before, new PageHasher(_key).Hash(_page));
    }
}
