using Bulkhead.Devices.Backends.Ports;
using Bulkhead.Host.Network;

namespace Bulkhead.Machine.Devices;

/// <summary>A port with a name that a domain is to have, at its virtio console.</summary>
/// <param name="Name">What the guest calls it.</param>
/// <param name="Path">Where processes of the host connect to it.</param>
public sealed record PortRequest(string Name, string Path)
{
    /// <summary>How it is written on a command line.</summary>
    public const string Form = "NAME,uds=PATH";

    /// <summary>The most ports of a domain.</summary>
    internal const int Most = 30;

    internal const string NameForm = "1 to 64 letters, digits, dots, hyphens and underscores; the guest finds /dev/virtio-ports/NAME";

    private const int MostNameLength = 64;

    /// <summary>Reads what a command line says.</summary>
    /// <param name="text">The words.</param>
    /// <param name="error">What is wrong and the fix, or null.</param>
    /// <returns>The request, or null.</returns>
    public static PortRequest? Parse(string text, out string? error)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (DeviceWords.Parse(text, [], ["uds"], out error) is not { } words)
        {
            return null;
        }

        string path = System.IO.Path.GetFullPath(words.Value("uds") is { Length: > 0 } given ? given : ".");
        error = !IsName(words.What) ? $"'{words.What}' is no name of a port; write {NameForm}."
            : string.IsNullOrEmpty(words.Value("uds")) ? $"{words.What}: it leads nowhere; give a socket's path, as in {words.What},uds=/tmp/{words.What}."
            : !ConsoleRequest.Fits(path) ? $"uds={words.Value("uds")}: it is too long for a socket; give a path of at most {UnixAddress.MostPathBytes} bytes." : null;
        return error is null ? new PortRequest(words.What, path) : null;
    }

    /// <summary>Whether a port can be called so.</summary>
    internal static bool IsName(string name) =>
        name.Length is > 0 and <= MostNameLength && name is not ("." or "..") && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');

    /// <summary>Opens its host's end; the caller disposes it.</summary>
    internal HostPort Open() => new(Name, Path);
}
