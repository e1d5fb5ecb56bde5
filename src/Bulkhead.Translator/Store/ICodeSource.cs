namespace Bulkhead.Translator.Store;

/// <summary>Who has translations to keep.</summary>
internal interface ICodeSource
{
    /// <summary>Instructions it translated that no file holds.</summary>
    long NewInstructions { get; }

    /// <summary>Gives all it has, page by page. Any thread, also while vCPUs run.</summary>
    void WriteTo(StoreWriter writer);

    /// <summary>Tells that so many of the new instructions are kept.</summary>
    void NoteKept(long instructions);

    /// <summary>Frees what it holds, after it left.</summary>
    void Release();
}
