using Bulkhead.Core.Memory;

namespace Bulkhead.Translator.Interpret;

/// <summary>The elements of one string operand that lie in the page of the next one.</summary>
/// <remarks><see cref="Elements"/> is 0 where the next element itself spans two pages. <see cref="Host"/> is null for MMIO.</remarks>
internal unsafe struct StringWindow
{
    /// <summary>The linear address of the next element.</summary>
    public ulong Linear;

    /// <summary>Its physical address; meaningful unless <see cref="Elements"/> is 0.</summary>
    public Gpa Address;

    /// <summary>Its host address, or null.</summary>
    public byte* Host;

    /// <summary>How many elements from there on, in the direction of the instruction, share the page.</summary>
    public int Elements;
}
