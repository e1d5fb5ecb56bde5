using System.Security.Cryptography;
using System.Text;

namespace Bulkhead.Machine.Smbios;

/// <summary>The UUID by which a guest, and what watches over it, tells its machine from others.</summary>
public static class DomainUuid
{
    /// <summary>What <see cref="TryParse"/> accepts.</summary>
    public const string Form = "a UUID such as 5c146b14-3c52-8afd-938a-375d0df1fbf6, not all zeros or ones";

    private const string HostPath = "/etc/machine-id";

    private static readonly Guid s_space = new("b9d5c1a4-6f0e-4c55-9a3b-7e21d04c8f16");

    /// <summary>The UUID of a domain that was given none: the same for a name every time, and another for another.</summary>
    /// <remarks>By chance it would be another at each start, and no run would repeat.</remarks>
    public static Guid Of(string name) => Of(s_space, name);

    /// <summary>Likewise, and another on another host, as far as hosts can be told apart: from its UUID a guest may make what must not be
    /// on a network twice.</summary>
    /// <remarks><i>Source</i>: machine-id(5) of systemd, for what tells hosts apart, and for guests that take theirs from their UUID.</remarks>
    public static Guid OfHere(string name) => Of(Of(s_space, File.Exists(HostPath) ? File.ReadAllText(HostPath).Trim() : string.Empty), name);

    /// <summary>A UUID made of a name in a space of names.</summary>
    /// <remarks><i>Source</i>: RFC 9562, 5.8 UUID Version 8; B.2 Example of a UUIDv8 Value (Name-Based).</remarks>
    internal static Guid Of(Guid space, string name)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        _ = SHA256.HashData([.. space.ToByteArray(bigEndian: true), .. Encoding.UTF8.GetBytes(name)], hash);
        hash[6] = (byte)((hash[6] & 0x0F) | 0x80); // version 8
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80); // the variant of that RFC
        return new Guid(hash[..16], bigEndian: true);
    }

    /// <summary>Reads a UUID; false where the text is none, or one that says that there is none.</summary>
    /// <remarks><i>Source</i>: DSP0134 3.7, 7.2.1 System — UUID.</remarks>
    public static bool TryParse(string text, out Guid uuid) => Guid.TryParseExact(text, "D", out uuid) && uuid != Guid.Empty && uuid != Guid.AllBitsSet;
}
