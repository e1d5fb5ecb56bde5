using System.Net;

namespace Bulkhead.Devices.Backends.Net.Switching;

/// <summary>Who is part of a network.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Mac">Its card's address of six bytes: it sends with no other.</param>
/// <param name="Addresses">The IP addresses it may send with; none: any.</param>
public sealed record SwitchMember(string Name, IReadOnlyList<byte> Mac, IReadOnlyList<IPAddress> Addresses);
