using Bulkhead.Host;
using Bulkhead.Host.Files;
using Bulkhead.Machine.Devices;

namespace Bulkhead.Machine.Firmware;

/// <summary>The firmware a machine starts with.</summary>
public sealed record FirmwareRequest
{
    /// <summary>How it is written on a command line.</summary>
    public const string Form = "seabios|ovmf|FILE[,vars=FILE][,log=FILE]";

    private const int LeastBytes = 64 << 10;
    private const int MostBytes = 16 << 20;
    private const int PageBytes = 4096;

    // Names of Debian's files, which are those of their packages too.
    private static readonly (string Name, string Path)[] s_known =
    [
        ("seabios", "/usr/share/seabios/bios-256k.bin"),
        ("ovmf", "/usr/share/OVMF/OVMF_CODE_4M.fd"),
    ];

    /// <summary>The names that stand for Debian's files.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. s_known.Select(static k => k.Name)];

    /// <summary>The file it is in.</summary>
    public required string Path { get; init; }

    /// <summary>The file its variables are kept in, or null: they are forgotten at the end.</summary>
    public string? VariablesPath { get; init; }

    /// <summary>Where what it says of its work is written, or null for nowhere.</summary>
    public string? LogPath { get; init; }

    /// <summary>Whether it has variables to keep.</summary>
    public bool HasVariables => Template is not null;

    /// <summary>The file its variables begin as; null where it has none. A package lays NAME_VARS.fd beside NAME_CODE.fd.</summary>
    internal string? Template
    {
        get
        {
            string file = System.IO.Path.GetFileName(Path);
            string beside = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Path) ?? "/", file.Replace("_CODE", "_VARS", StringComparison.Ordinal));
            return beside != Path && File.Exists(beside) ? beside : null;
        }
    }

    /// <summary>What keeps it from being used and the fix, in a sentence; or null.</summary>
    internal string? Trouble => Fault is { } fault ? $"{fault.Problem}; {fault.Fix}." : null;

    /// <summary>What keeps it from being used and the fix, as far as that is seen without reading it; or null.</summary>
    internal (string Problem, string Fix)? Fault
    {
        get
        {
            (string? package, _) = s_known.FirstOrDefault(k => k.Path == Path);
            return PathFault.OfFile(Path) is not { } fault ? VariablesPath is not null && Template is null ? ($"{Path}: has no variables", "leave them out") : null
                : package is null ? ($"{Path}: {fault}", $"give the path of a firmware, or one of {string.Join(", ", Names)}")
                : ($"{Path}: is missing", $"install {package}: sudo apt-get install {package}");
        }
    }

    /// <summary>Makes a request of what an operator wrote.</summary>
    /// <param name="name">A name, or a path.</param>
    /// <param name="full">Makes a path an absolute one.</param>
    internal static FirmwareRequest Of(string name, Func<string, string> full) =>
        new() { Path = s_known.FirstOrDefault(k => k.Name == name).Path ?? full(name) };

    /// <summary>Reads what a command line says.</summary>
    /// <param name="text">The words.</param>
    /// <param name="error">What is wrong and the fix, or null.</param>
    /// <returns>The request, or null.</returns>
    public static FirmwareRequest? Parse(string text, out string? error)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (DeviceWords.Parse(text, [], ["vars", "log"], out error) is not { } words)
        {
            return null;
        }

        FirmwareRequest request = Of(words.What, System.IO.Path.GetFullPath) with
        {
            VariablesPath = words.Value("vars") is { } variables ? System.IO.Path.GetFullPath(variables) : null,
            LogPath = words.Value("log") is { } log ? System.IO.Path.GetFullPath(log) : null,
        };
        error = request.Trouble;
        return error is null ? request : null;
    }

    /// <summary>Reads the file; the caller disposes it.</summary>
    internal FileBytes Read()
    {
        FileBytes bytes = Trouble is { } trouble ? throw new OperatorException(trouble, 2) : Read(Path);
        int size = bytes.Span.Length;
        string? wrong = size is < LeastBytes or > MostBytes || size % PageBytes != 0
            ? $"{size} bytes are no firmware; it has {LeastBytes >> 10} KiB to {MostBytes >> 20} MiB, in whole {PageBytes >> 10} KiB"
            : bytes.Span[^16..].IndexOfAnyExcept<byte>(0, 0xFF) < 0 ? "nothing stands in its last 16 bytes, where a processor begins" : null;
        if (wrong is not null)
        {
            bytes.Dispose();
            throw new OperatorException($"{Path}: {wrong}. Give Debian's {string.Join(" or ", Names)}, or another firmware for 440FX.", 2);
        }

        return bytes;
    }

    /// <summary>Reads a file as the operator named it.</summary>
    internal static FileBytes Read(string path)
    {
        try
        {
            return FileBytes.Read(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OperatorException($"{path}: cannot be read: {e.Message}", 2);
        }
    }
}
