using System.Buffers.Binary;

namespace Bulkhead.Core.State;

/// <summary>Writes the state of a machine: sections by name, each with a version, of numbers and bytes.</summary>
/// <remarks>
/// <code>
/// section: length of the name u8, name in ASCII, version u8, length u32, that many bytes, which may hold sections
/// numbers: little-endian; bytes: length u32, then the bytes
/// </code>
/// <i>Threading</i>: one thread, while what is saved stands still.
/// </remarks>
public sealed class StateWriter
{
    private readonly Stack<int> _open = [];
    private byte[] _bytes = new byte[1 << 10];
    private int _length;

    /// <summary>All that was written.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    /// <summary>Begins a section, which may stand in another.</summary>
    /// <param name="name">At most 255 ASCII characters.</param>
    /// <param name="version">Raised when its contents change.</param>
    public void Begin(string name, byte version)
    {
        ArgumentNullException.ThrowIfNull(name);
        Write((byte)name.Length);
        _ = System.Text.Encoding.ASCII.GetBytes(name, Take(name.Length));
        Write(version);
        _open.Push(_length);
        Write(0u);
    }

    /// <summary>Ends the section begun last.</summary>
    public void End()
    {
        int at = _open.Pop();
        BinaryPrimitives.WriteUInt32LittleEndian(_bytes.AsSpan(at), (uint)(_length - at - sizeof(uint)));
    }

    /// <summary>Writes a truth.</summary>
    public void Write(bool value) => Write(value ? (byte)1 : (byte)0);

    /// <summary>Writes 8 bits.</summary>
    public void Write(byte value) => Take(1)[0] = value;

    /// <summary>Writes 16 bits.</summary>
    public void Write(ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(Take(sizeof(ushort)), value);

    /// <summary>Writes 32 bits.</summary>
    public void Write(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Take(sizeof(uint)), value);

    /// <summary>Writes 64 bits.</summary>
    public void Write(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Take(sizeof(ulong)), value);

    /// <summary>Writes bytes, and how many.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        Write((uint)bytes.Length);
        bytes.CopyTo(Take(bytes.Length));
    }

    private Span<byte> Take(int count)
    {
        if (count > _bytes.Length - _length)
        {
            Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, checked(_length + count)));
        }

        _length += count;
        return _bytes.AsSpan(_length - count, count);
    }
}
