using System.Buffers.Binary;
using System.Text;

namespace Bulkhead.Core.State;

/// <summary>Reads what <see cref="StateWriter"/> wrote, or whatever else it is given.</summary>
/// <remarks>
/// <para><i>Errors</i>: the first thing that is wrong is kept in <see cref="Error"/>; from then on everything reads as zero. Whoever
/// restores reads to the end, checks what it read with <see cref="Require"/>, and is thrown away where there is an error.</para>
/// <para><i>Threading</i>: one thread.</para>
/// </remarks>
public sealed class StateReader(ReadOnlyMemory<byte> bytes)
{
    private readonly Stack<(string Name, int End)> _open = [];
    private int _at;

    /// <summary>What is wrong and in which section, or null.</summary>
    public string? Error { get; private set; }

    private int End => _open.Count > 0 ? _open.Peek().End : bytes.Length;

    /// <summary>Begins the section that comes next, which must be this one.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="newest">The highest version that can be read.</param>
    /// <returns>Its version.</returns>
    public byte Begin(string name, byte newest)
    {
        ArgumentNullException.ThrowIfNull(name);
        string found = Encoding.ASCII.GetString(Take(ReadByte()));
        byte version = ReadByte();
        uint length = ReadUInt32();
        Require(found == name, "the section is another");
        Require(version <= newest, "the version is newer");
        Require(length <= End - _at, "the section is cut off");
        _open.Push((name, Error is null ? _at + (int)length : _at));
        return version;
    }

    /// <summary>Ends the section, all of which must have been read.</summary>
    public void EndSection()
    {
        Require(_at == End, "the section is longer");
        _ = _open.Pop();
    }

    /// <summary>Reads a truth.</summary>
    public bool ReadBoolean()
    {
        byte value = ReadByte();
        Require(value <= 1, "neither true nor false");
        return value == 1;
    }

    /// <summary>Reads 8 bits.</summary>
    public byte ReadByte() => Take(1) is [byte value] ? value : (byte)0;

    /// <summary>Reads 16 bits.</summary>
    public ushort ReadUInt16() => Take(sizeof(ushort)) is { Length: > 0 } b ? BinaryPrimitives.ReadUInt16LittleEndian(b) : (ushort)0;

    /// <summary>Reads 32 bits.</summary>
    public uint ReadUInt32() => Take(sizeof(uint)) is { Length: > 0 } b ? BinaryPrimitives.ReadUInt32LittleEndian(b) : 0;

    /// <summary>Reads 64 bits.</summary>
    public ulong ReadUInt64() => Take(sizeof(ulong)) is { Length: > 0 } b ? BinaryPrimitives.ReadUInt64LittleEndian(b) : 0;

    /// <summary>Reads bytes, exactly as many as there is room for.</summary>
    public void Read(Span<byte> destination)
    {
        destination.Clear();
        uint length = ReadUInt32();
        Require(length == destination.Length, "another number of bytes");
        Take(destination.Length).CopyTo(destination);
    }

    /// <summary>Notes an error where something does not hold.</summary>
    public void Require(bool holds, string otherwise)
    {
        if (!holds && Error is null)
        {
            Error = $"{string.Join('/', _open.Reverse().Select(static s => s.Name))} at byte {_at}: {otherwise}";
        }
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        Require(count <= End - _at, "it ends too early");
        if (Error is not null)
        {
            return default;
        }

        _at += count;
        return bytes.Span.Slice(_at - count, count);
    }
}
