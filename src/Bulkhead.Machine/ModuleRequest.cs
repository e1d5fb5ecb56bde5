using Bulkhead.Host.Files;

namespace Bulkhead.Machine;

/// <summary>A file that a Multiboot kernel is handed.</summary>
/// <param name="Path">The file's path.</param>
/// <param name="Words">Words for it; the kernel finds them behind the file's name.</param>
public sealed record ModuleRequest(string Path, string Words)
{
    /// <summary>How it is written on a command line.</summary>
    public const string Form = "FILE[,WORDS]";

    /// <summary>Reads what a command line says: a file, and words behind the first comma; a comma in the file's name is written twice.</summary>
    /// <param name="text">The words.</param>
    /// <param name="error">What is wrong and the fix, or null.</param>
    /// <returns>The request, or null.</returns>
    public static ModuleRequest? Parse(string text, out string? error)
    {
        ArgumentNullException.ThrowIfNull(text);
        int comma = 0;
        while (comma < text.Length && (text[comma] != ',' || (comma + 1 < text.Length && text[comma + 1] == ',')))
        {
            comma += text[comma] == ',' ? 2 : 1;
        }

        string file = text[..comma].Replace(",,", ",", StringComparison.Ordinal);
        error = PathFault.OfFile(file) is { } fault ? $"{file}: {fault}; give the path of a module." : null;
        return error is not null ? null : new ModuleRequest(System.IO.Path.GetFullPath(file), comma < text.Length ? text[(comma + 1)..] : string.Empty);
    }
}
