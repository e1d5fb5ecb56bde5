using Bulkhead.Devices.Backends.Net.Switching;

namespace Bulkhead.Machine.Devices;

/// <summary>A network between domains.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Mtu">The largest payload of a frame.</param>
/// <param name="Rules">What may pass; the first that speaks of a frame decides, and without one it is dropped.</param>
public sealed record NetworkRequest(string Name, int Mtu, IReadOnlyList<NetworkRule> Rules)
{
    /// <summary>The payload of a network that says nothing of it.</summary>
    public const int DefaultMtu = 1500;

    /// <summary>The least: what every IPv4 host takes.</summary>
    public const int LeastMtu = 576;

    /// <summary>The most.</summary>
    public const int MostMtu = 65_520;

    /// <summary>For whoever compares it.</summary>
    public override string ToString() => $"{Name} mtu {Mtu} {string.Join("; ", Rules)}";

    /// <summary>Makes it, with the cards of these domains that are connected to it.</summary>
    /// <param name="domains">All there are.</param>
    /// <param name="nowNs">The time.</param>
    /// <param name="immediate">Whether time is made of instructions.</param>
    internal NetworkSwitch Create(IReadOnlyList<DomainRequest> domains, Func<long> nowNs, bool immediate)
    {
        SwitchMember[] members =
        [
            .. domains.SelectMany(d => d.Nets.Select((net, i) => (Net: net, Member: new SwitchMember(d.Name, net.MacOf(d.Name, i), net.Addresses)))
                .Where(card => card.Net.Network == Name).Select(static card => card.Member)),
        ];
        string[] names = [.. members.Select(static m => m.Name)];
        return new NetworkSwitch(Name, (ushort)Mtu, members, [.. Rules.Select(r => r.ToSwitch(names))], nowNs, immediate);
    }
}
