using System.Buffers.Binary;
using Bulkhead.Devices.Backends.Net;
using CsCheck;
using Xunit;

namespace Bulkhead.Devices.Tests.Net;

public sealed class InternetChecksumTests
{
    [Fact]
    public void Sum_OfAnyBytes_IsThatOfTheDefinition() => Gen.Byte.Array[0, 600].Sample(bytes =>
    {
        uint sum = 0;
        for (int i = 0; i < bytes.Length; i += 2)
        {
            sum += (uint)((bytes[i] << 8) | (i + 1 < bytes.Length ? bytes[i + 1] : 0));
            sum = (sum & 0xFFFF) + (sum >> 16);
        }

        Assert.Equal((ushort)sum, InternetChecksum.Sum(bytes));
    });

    [Fact]
    public void TryComplete_PutsTheComplementOfTheSumThatStoodThere() => Gen.Select(Gen.Byte.Array[20, 2000], Gen.Int[0, 10], Gen.Int[0, 4]).Sample((frame, start, word) =>
    {
        ushort expected = (ushort)~InternetChecksum.Sum(frame.AsSpan(start)); // with the field, which holds the pseudo-header's

        Assert.True(InternetChecksum.TryComplete(frame, start, word * 2));
        Assert.Equal(expected == 0 && word * 2 == InternetChecksum.UdpOffset ? 0xFFFF : expected, BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(start + (word * 2))));
    });

    [Theory]
    [InlineData(16, 0)] // RFC 1624: TCP has one zero
    [InlineData(InternetChecksum.UdpOffset, 0xFFFF)] // RFC 768: 0 says that there is none
    public void TryComplete_SumOfZero_IsTheZeroOfTheProtocol(int offset, int expected)
    {
        byte[] frame = new byte[60];
        frame[30] = frame[31] = 0xFF;

        Assert.True(InternetChecksum.TryComplete(frame, 20, offset));

        Assert.Equal(expected, BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(20 + offset)));
    }

    [Theory]
    [InlineData(61, 0)]
    [InlineData(0, 59)]
    [InlineData(59, 0)]
    [InlineData(0xFFFF, 0xFFFF)]
    public void TryComplete_FieldOutsideTheFrame_IsRefused(int start, int offset) =>
        Assert.False(InternetChecksum.TryComplete(new byte[60], start, offset));
}
