using System.Buffers.Binary;
using Xunit;

namespace Bulkhead.Devices.Tests.Files;

/// <summary>What a server answered: an error number, 0 for none, and what stands behind the header.</summary>
internal sealed record FuseAnswer(int Error, byte[] Data)
{
    /// <summary>Where the attributes of an entry begin.</summary>
    public const int OfEntry = 40;

    /// <summary>Where those of GetAttributes begin.</summary>
    public const int OfAttributes = 16;

    public ulong U64(int at) => BinaryPrimitives.ReadUInt64LittleEndian(Data.AsSpan(at));

    public uint U32(int at) => BinaryPrimitives.ReadUInt32LittleEndian(Data.AsSpan(at));

    /// <summary>The node of an entry.</summary>
    public ulong Node => U64(0);

    public ulong Size(int at) => U64(at + 8);

    public long WriteSeconds(int at) => (long)U64(at + 32);

    public uint Mode(int at) => U32(at + 60);

    public uint Links(int at) => U32(at + 64);

    public (uint User, uint Group) Owner(int at) => (U32(at + 68), U32(at + 72));

    /// <summary>The same, where there is no error.</summary>
    public FuseAnswer Good()
    {
        Assert.Equal(0, Error);
        return this;
    }
}
