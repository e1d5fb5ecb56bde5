using System.Globalization;
using Bulkhead.Devices.Backends.Ports;
using Bulkhead.Host.Network;

namespace Bulkhead.Machine.Devices;

/// <summary>The virtio console a domain is to have.</summary>
/// <param name="Path">Where processes of the host connect to it, or null.</param>
/// <param name="Columns">How many columns it has; 0: nobody knows.</param>
/// <param name="Rows">How many rows.</param>
public sealed record ConsoleRequest(string? Path, ushort Columns = 0, ushort Rows = 0)
{
    /// <summary>How it is written on a command line.</summary>
    public const string Form = "PATH[,size=COLUMNSxROWS]";

    internal const string PathForm = "the path of a socket to be made, absolute or from the system file's folder, at most 107 bytes";
    internal const string SizeForm = "COLUMNSxROWS, such as 80x24";

    /// <summary>Reads what a command line says.</summary>
    /// <param name="text">The words.</param>
    /// <param name="error">What is wrong and the fix, or null.</param>
    /// <returns>The request, or null.</returns>
    public static ConsoleRequest? Parse(string text, out string? error)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (DeviceWords.Parse(text, [], ["size"], out error) is not { } words)
        {
            return null;
        }

        string path = System.IO.Path.GetFullPath(words.What);
        (ushort columns, ushort rows) = (0, 0);
        if (!Fits(path))
        {
            error = $"{words.What}: it is too long for a socket; give a path of at most {UnixAddress.MostPathBytes} bytes.";
        }
        else if (words.Value("size") is { } size && !TryParseSize(size, out columns, out rows))
        {
            error = $"size={size}: write {SizeForm}.";
        }

        return error is null ? new ConsoleRequest(path, columns, rows) : null;
    }

    /// <summary>Whether a socket can be made at a path.</summary>
    internal static bool Fits(string path) => UnixAddress.TryCreate(path) is not null;

    /// <summary>Reads a size.</summary>
    internal static bool TryParseSize(string text, out ushort columns, out ushort rows)
    {
        string[] parts = text.Split('x');
        (columns, rows) = (0, 0);
        return parts.Length == 2 && ushort.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out columns)
            && ushort.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out rows) && columns > 0 && rows > 0;
    }

    /// <summary>Opens its host's end; the caller disposes it.</summary>
    /// <param name="output">Who looks on, or null.</param>
    internal HostPort Open(Action<ReadOnlySpan<byte>>? output) => new(string.Empty, Path, Columns, Rows, output is null ? null : new PortViewers(output));
}
