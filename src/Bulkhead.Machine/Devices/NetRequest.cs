using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Bulkhead.Machine.Devices;

/// <summary>A network card a domain is to have.</summary>
public sealed record NetRequest
{
    /// <summary>How a card is written on a command line.</summary>
    public const string Form = "user[,hostfwd=tcp|udp:[ADDRESS:]PORT-:PORT]…[,mac=ADDRESS][,rate=SIZE[,burst=TIME]]|tap:DEVICE[,mac=ADDRESS][,rate=SIZE[,burst=TIME]]";

    /// <summary>The network that is the host's, by sockets of its own.</summary>
    internal const string User = "user";

    /// <summary>The network that is an interface of the host.</summary>
    internal const string Tap = "tap";

    /// <summary>How an address is written.</summary>
    internal const string MacForm = "six bytes in hexadecimal, the first even, as in 52:54:00:12:34:56";

    /// <summary>What it is connected to: <c>user</c>, <c>tap</c>, or a network between domains by its name.</summary>
    public string Network { get; init; } = User;

    /// <summary>With <c>tap</c>: the name of the interface.</summary>
    public string Device { get; init; } = string.Empty;

    /// <summary>Whether it is connected to the host rather than to other domains.</summary>
    internal bool IsOfHost => Network is User or Tap;

    /// <summary>On a network between domains: the IP addresses it may send with; none: any.</summary>
    public IReadOnlyList<IPAddress> Addresses { get; init; } = [];

    /// <summary>Ports of the host that lead to ports of the guest.</summary>
    public IReadOnlyList<PortForward> Forwards { get; init; } = [];

    /// <summary>The card's address of six bytes, or null: one made of the domain's name.</summary>
    public IReadOnlyList<byte>? Mac { get; init; }

    /// <summary>On the host's networks: how much it carries, each way by itself, or null for any amount.</summary>
    public DeviceLimit? Limit { get; init; }

    /// <summary>Reads what a command line says.</summary>
    /// <param name="text">The words.</param>
    /// <param name="error">What is wrong and the fix, or null.</param>
    /// <returns>The request, or null.</returns>
    public static NetRequest? Parse(string text, out string? error)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (DeviceWords.Parse(text, [], ["hostfwd", "mac", "rate", "burst"], out error, repeated: "hostfwd") is not { } words)
        {
            return null;
        }

        bool tap = words.What.StartsWith("tap:", StringComparison.Ordinal) && words.What.Length > 4;
        if (words.What != User && !tap)
        {
            error = $"'{words.What}' is no kind of network; write {Form}.";
            return null;
        }

        if (tap && words.Has("hostfwd"))
        {
            error = "hostfwd goes with user only: the guest has an address of its own on a TAP device.";
            return null;
        }

        var forwards = new List<PortForward>();
        foreach (string forward in words.Values("hostfwd"))
        {
            if (PortForward.Parse(forward) is not { } parsed)
            {
                error = $"hostfwd={forward}: write {PortForward.Form}, as in hostfwd=tcp:127.0.0.1:2222-:22.";
                return null;
            }

            forwards.Add(parsed);
        }

        byte[]? mac = null;
        if (words.Value("mac") is { } address && (mac = ParseMac(address)) is null)
        {
            error = $"mac={address}: write {MacForm}.";
            return null;
        }

        DeviceLimit? limit = DeviceLimit.Parse(words, null, "rate", out error);
        return error is not null ? null : new NetRequest { Network = tap ? Tap : User, Device = tap ? words.What[4..] : string.Empty, Forwards = forwards, Mac = mac, Limit = limit };
    }

    /// <summary>The address of a domain's card: without one of its own the same every time, locally administered, made of the domain's name.</summary>
    internal byte[] MacOf(string domain, int card)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        _ = SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{domain}/{card}")), hash);
        return Mac?.ToArray() ?? [0x52, 0x42, .. hash[..4]];
    }

    /// <summary>Reads an address; null where the text is not one.</summary>
    internal static byte[]? ParseMac(string text)
    {
        string[] parts = text.Split(':');
        byte[] mac = new byte[6];
        for (int i = 0; i < mac.Length; i++)
        {
            if (parts.Length != mac.Length || !byte.TryParse(parts[i], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out mac[i]))
            {
                return null;
            }
        }

        return (mac[0] & 1) == 0 ? mac : null;
    }
}
