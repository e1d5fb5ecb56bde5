namespace Bulkhead.Core.Memory;

/// <summary>A guest physical address.</summary>
public readonly record struct Gpa(ulong Value)
{
    /// <summary>The guest frame number: address / 4096.</summary>
    public ulong Gfn => Value >> 12;

    /// <summary>The address <paramref name="offset"/> bytes further on.</summary>
    public static Gpa operator +(Gpa a, ulong offset) => new(a.Value + offset);

    /// <summary>The address <paramref name="offset"/> bytes further on.</summary>
    public Gpa Add(ulong offset) => this + offset;

    /// <inheritdoc/>
    public override string ToString() => $"gpa:{Value:x}";
}
