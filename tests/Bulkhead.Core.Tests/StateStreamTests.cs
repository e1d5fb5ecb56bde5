using Bulkhead.Core.State;
using CsCheck;
using Xunit;

namespace Bulkhead.Core.Tests;

public sealed class StateStreamTests
{
    [Fact]
    public void Sections_ReadBack_AsWritten()
    {
        var reader = new StateReader(Sample());
        Assert.Equal(3, reader.Begin("outer", 5));
        Assert.Equal(0x1122_3344_5566_7788ul, reader.ReadUInt64());
        Assert.Equal(1, reader.Begin("inner", 1));
        Assert.True(reader.ReadBoolean());
        Assert.Equal(0xBEEF, reader.ReadUInt16());
        byte[] bytes = new byte[3];
        reader.Read(bytes);
        Assert.Equal([1, 2, 3], bytes);
        reader.EndSection();
        Assert.Equal(7u, reader.ReadUInt32());
        Assert.Equal(9, reader.ReadByte());
        reader.EndSection();
        Assert.Null(reader.Error);
    }

    [Fact]
    public void Section_OfAnotherName_IsAnErrorThatSaysWhere()
    {
        var reader = new StateReader(Sample());
        _ = reader.Begin("outer", 3);
        _ = reader.ReadUInt64();
        _ = reader.Begin("other", 1);
        Assert.StartsWith("outer at byte", reader.Error, StringComparison.Ordinal);
        Assert.Equal(0u, reader.ReadUInt32());
    }

    [Fact]
    public void Section_OfANewerVersion_IsAnError()
    {
        var reader = new StateReader(Sample());
        _ = reader.Begin("outer", 2);
        Assert.NotNull(reader.Error);
    }

    [Fact]
    public void Section_ReadTooFarOrTooLittle_IsAnError()
    {
        var reader = new StateReader(Sample());
        _ = reader.Begin("outer", 3);
        reader.EndSection();
        Assert.NotNull(reader.Error);

        reader = new StateReader(Sample());
        _ = reader.Begin("outer", 3);
        _ = reader.ReadUInt64();
        _ = reader.Begin("inner", 1);
        for (int i = 0; i < 3; i++)
        {
            _ = reader.ReadUInt64(); // the inner section has ten bytes
        }

        Assert.NotNull(reader.Error);
    }

    [Fact]
    public void Bytes_OfAnotherLength_AreAnError()
    {
        var writer = new StateWriter();
        writer.Write(new byte[] { 1, 2, 3 });
        var reader = new StateReader(writer.Bytes.ToArray());
        byte[] two = [7, 7];
        reader.Read(two);
        Assert.NotNull(reader.Error);
        Assert.Equal([0, 0], two);
    }

    [Fact]
    public void AnyBytes_ReadWithoutAnException() => Gen.Byte.Array[0, 64].Sample(bytes =>
    {
        var reader = new StateReader(bytes);
        _ = reader.Begin("a", 1);
        _ = reader.Begin("b", 1);
        _ = reader.ReadUInt64();
        reader.Read(new byte[5]);
        _ = reader.ReadBoolean();
        reader.EndSection();
        reader.EndSection();
        Assert.NotNull(reader.Error);
    });

    private static byte[] Sample()
    {
        var writer = new StateWriter();
        writer.Begin("outer", 3);
        writer.Write(0x1122_3344_5566_7788ul);
        writer.Begin("inner", 1);
        writer.Write(true);
        writer.Write((ushort)0xBEEF);
        writer.Write(new byte[] { 1, 2, 3 });
        writer.End();
        writer.Write(7u);
        writer.Write((byte)9);
        writer.End();
        return writer.Bytes.ToArray();
    }
}
