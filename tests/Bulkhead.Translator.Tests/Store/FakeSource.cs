using Bulkhead.Translator.Store;

namespace Bulkhead.Translator.Tests.Store;

/// <summary>Has a page for each number, whose bytes are the number.</summary>
internal sealed class FakeSource(params byte[] pages) : ICodeSource
{
    /// <summary>Set when it may go.</summary>
    internal ManualResetEventSlim Released { get; } = new();

    /// <summary>How many instructions each page has.</summary>
    internal int Instructions { get; init; } = 10;

    public long NewInstructions { get; set; } = 1000;

    internal static PageKey KeyOf(byte page) => new(new PageHash(page, UInt128.MaxValue), page, PageKey.Anywhere);

    internal static byte[] BytesOf(byte page) => [.. Enumerable.Repeat(page, 100 + page)];

    public void NoteKept(long instructions) => NewInstructions -= instructions;

    public void Release() => Released.Set();

    public void WriteTo(StoreWriter writer)
    {
        foreach (byte page in pages)
        {
            writer.Add(KeyOf(page), BytesOf(page), Instructions);
        }
    }
}
