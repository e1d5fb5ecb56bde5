using System.Buffers.Binary;
using System.Text;

namespace Bulkhead.Devices.Tests.Files;

/// <summary>What stands behind the header of a request.</summary>
internal sealed class FuseBody
{
    private readonly List<byte> _bytes = [];

    public byte[] Bytes => [.. _bytes];

    public FuseBody U32(params ReadOnlySpan<uint> values)
    {
        Span<byte> bytes = stackalloc byte[4];
        foreach (uint value in values)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
            _bytes.AddRange(bytes);
        }

        return this;
    }

    public FuseBody U64(params ReadOnlySpan<ulong> values)
    {
        Span<byte> bytes = stackalloc byte[8];
        foreach (ulong value in values)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
            _bytes.AddRange(bytes);
        }

        return this;
    }

    public FuseBody Text(string text)
    {
        _bytes.AddRange(Encoding.UTF8.GetBytes(text));
        _bytes.Add(0);
        return this;
    }

    public FuseBody Data(ReadOnlySpan<byte> data)
    {
        _bytes.AddRange(data);
        return this;
    }
}
