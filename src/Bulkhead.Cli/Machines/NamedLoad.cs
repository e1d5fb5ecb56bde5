using Bulkhead.Machine.Simulation;

namespace Bulkhead.Cli.Machines;

/// <summary>What a domain is to do in a simulation, as the command line says it.</summary>
/// <param name="Domain">The domain's name, which need not be one of the system.</param>
/// <param name="Load">The load.</param>
internal sealed record NamedLoad(string Domain, SimulatedLoad Load)
{
    /// <summary>What <see cref="TryParse"/> accepts, for messages.</summary>
    internal const string Form = $"NAME=LOAD, the load being {SimulatedLoad.Form}";

    /// <summary>Reads <c>NAME=LOAD</c>.</summary>
    internal static bool TryParse(string text, out NamedLoad? load)
    {
        string[] parts = text.Split('=', 2);
        load = null;
        if (parts.Length != 2 || parts[0].Length == 0 || !SimulatedLoad.TryParse(parts[1], out SimulatedLoad read))
        {
            return false;
        }

        load = new NamedLoad(parts[0], read);
        return true;
    }
}
