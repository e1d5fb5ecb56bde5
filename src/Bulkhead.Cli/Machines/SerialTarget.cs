namespace Bulkhead.Cli.Machines;

/// <summary>The other end of the first serial port.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Path">The file's or the socket's path; empty for the other kinds.</param>
internal sealed record SerialTarget(SerialKind Kind, string Path)
{
    internal const string Form = "stdio, none, file:PATH or unix:PATH";

    /// <summary>Reads what <c>--serial</c> takes.</summary>
    internal static bool TryParse(string text, out SerialTarget target)
    {
        (SerialKind kind, string path, bool known) = text switch
        {
            "stdio" => (SerialKind.Stdio, string.Empty, true),
            "none" => (SerialKind.None, string.Empty, true),
            _ when text.StartsWith("file:", StringComparison.Ordinal) => (SerialKind.File, text[5..], text.Length > 5),
            _ when text.StartsWith("unix:", StringComparison.Ordinal) => (SerialKind.Unix, text[5..], text.Length > 5),
            _ => (SerialKind.None, string.Empty, false),
        };
        target = new SerialTarget(kind, path.Length == 0 ? path : System.IO.Path.GetFullPath(path));
        return known;
    }

    /// <summary>Opens it; the caller disposes it after the machine, but not standard output.</summary>
    internal ISerialEnd Open(Stream output) => Kind switch
    {
        SerialKind.None => FileSerial.None(),
        SerialKind.File => FileSerial.Create(Path),
        SerialKind.Unix => SocketSerial.Listen(Path),
        _ => new ConsoleSerial(output),
    };
}
