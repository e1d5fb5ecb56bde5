using System.Buffers.Binary;
using Bulkhead.Core.Memory;
using Xunit;

namespace Bulkhead.Devices.Tests.Virtio.Driver;

/// <summary>A driver's memory: hands out pieces of RAM, and reads and writes them.</summary>
internal sealed class RamLayout(GuestMemory memory)
{
    private const ulong Start = 0x1000;

    private ulong _next = Start;

    public GuestMemory Memory => memory;

    public Gpa Take(ulong bytes, ulong alignment = 16)
    {
        _next = (_next + alignment - 1) & ~(alignment - 1);
        var at = new Gpa(_next);
        _next += bytes;
        Assert.True(memory.Contains(at, bytes));
        memory.TryWrite(at, new byte[bytes]);
        return at;
    }

    /// <summary>Hands out the same again.</summary>
    public void Restart() => _next = Start;

    /// <summary>Goes on where another stands.</summary>
    public void ContinueFrom(RamLayout other) => _next = other._next;

    public Gpa Put(ReadOnlySpan<byte> bytes)
    {
        Gpa at = Take((ulong)bytes.Length);
        Write(at, bytes);
        return at;
    }

    public void Write(Gpa at, ReadOnlySpan<byte> bytes) => Assert.True(memory.TryWrite(at, bytes));

    public byte[] Read(Gpa at, int length)
    {
        byte[] bytes = new byte[length];
        Assert.True(memory.TryRead(at, bytes));
        return bytes;
    }

    public ushort Read16(Gpa at) => BinaryPrimitives.ReadUInt16LittleEndian(Read(at, 2));

    public uint Read32(Gpa at) => BinaryPrimitives.ReadUInt32LittleEndian(Read(at, 4));

    public void Write16(Gpa at, ushort value) => Write(at, [(byte)value, (byte)(value >> 8)]);

    public void Write32(Gpa at, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        Write(at, bytes);
    }

    public void Write64(Gpa at, ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        Write(at, bytes);
    }
}
