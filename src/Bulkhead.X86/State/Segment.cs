using System.Runtime.InteropServices;

namespace Bulkhead.X86.State;

/// <summary>A segment register: the visible selector and the hidden descriptor.</summary>
/// <remarks>
/// <i>Shape</i> of <see cref="Access"/> (VMX access-rights format): bits 0-3 type, 4 S, 5-6 DPL, 7 P, 12 AVL, 13 L,
/// 14 D/B, 15 G, 16 unusable (null). <i>Source</i>: Intel SDM Vol. 3C, 24.4.1 Guest Register State.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
public struct Segment : IEquatable<Segment>
{
    /// <summary>The hidden base.</summary>
    public ulong Base;

    /// <summary>The hidden limit in bytes (granularity applied).</summary>
    public uint Limit;

    /// <summary>Access rights.</summary>
    public uint Access;

    /// <summary>The visible selector.</summary>
    public ushort Selector;

    private ushort _pad0;
    private uint _pad1;

    /// <summary>Type field (bits 0-3).</summary>
    public readonly uint Type => Access & 0xF;

    /// <summary>Descriptor privilege level.</summary>
    public readonly int Dpl => (int)((Access >> 5) & 3);

    /// <summary>64-bit code (L).</summary>
    public readonly bool Long => (Access & (1u << 13)) != 0;

    /// <summary>32-bit default (D/B).</summary>
    public readonly bool Big => (Access & (1u << 14)) != 0;

    /// <summary>Loaded with a null selector.</summary>
    public readonly bool Unusable => (Access & (1u << 16)) != 0;

    /// <inheritdoc/>
    public readonly bool Equals(Segment other) =>
        Base == other.Base && Limit == other.Limit && Access == other.Access && Selector == other.Selector;

    /// <inheritdoc/>
    public override readonly bool Equals(object? obj) => obj is Segment s && Equals(s);

    /// <inheritdoc/>
    public override readonly int GetHashCode() => HashCode.Combine(Base, Limit, Access, Selector);

    /// <summary>Equality.</summary>
    public static bool operator ==(Segment left, Segment right) => left.Equals(right);

    /// <summary>Inequality.</summary>
    public static bool operator !=(Segment left, Segment right) => !left.Equals(right);
}
