using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Bulkhead.Translator.Store;

/// <summary>A <see cref="StoredBlock"/> and what follows it.</summary>
internal readonly ref struct StoredParts
{
    // SAFETY: all are plain numbers, at multiples of their size (StoreTests).
    private readonly Span<byte> _bytes;

    /// <summary>Reads the block that bytes begin with.</summary>
    internal StoredParts(Span<byte> bytes)
    {
        _bytes = bytes;
        Block = MemoryMarshal.Read<StoredBlock>(bytes);
    }

    /// <summary>Begins to write a block.</summary>
    internal StoredParts(Span<byte> bytes, in StoredBlock block)
    {
        _bytes = bytes;
        Block = block;
        bytes[..block.Bytes].Clear();
        MemoryMarshal.Write(bytes, in block);
    }

    internal StoredBlock Block { get; }

    /// <summary>All bytes of it.</summary>
    internal int Bytes => Block.Bytes;

    internal Span<uint> Notes => MemoryMarshal.Cast<byte, uint>(_bytes.Slice(Unsafe.SizeOf<StoredBlock>(), Block.Notes * sizeof(uint)));

    internal Span<uint> Places => MemoryMarshal.Cast<byte, uint>(_bytes.Slice(PlacesAt, Block.Places * sizeof(uint)));

    internal Span<StoredEdge> Edges => MemoryMarshal.Cast<byte, StoredEdge>(_bytes.Slice(EdgesAt, Block.Edges * Unsafe.SizeOf<StoredEdge>()));

    internal Span<ushort> Interpreted => MemoryMarshal.Cast<byte, ushort>(_bytes.Slice(InterpretedAt, Block.Interpreted * sizeof(ushort)));

    internal Span<byte> Code => _bytes.Slice(InterpretedAt + (Block.Interpreted * sizeof(ushort)), Block.CodeBytes);

    private int PlacesAt => Unsafe.SizeOf<StoredBlock>() + (Block.Notes * sizeof(uint));

    private int EdgesAt => PlacesAt + (Block.Places * sizeof(uint));

    private int InterpretedAt => EdgesAt + (Block.Edges * Unsafe.SizeOf<StoredEdge>());
}
