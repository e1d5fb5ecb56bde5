namespace Bulkhead.Cli.Systems;

/// <summary>One of the consoles of a domain, which an operator can look at and type on.</summary>
/// <param name="Name">What Linux calls it.</param>
/// <param name="Log">What was printed on it.</param>
/// <param name="Type">Types; how many bytes were taken.</param>
/// <param name="Resize">Says how many columns and rows it has; null where nobody can.</param>
internal sealed record DomainConsole(string Name, ConsoleLog Log, Func<ReadOnlySpan<byte>, int> Type, Action<ushort, ushort>? Resize = null)
{
    /// <summary>The first serial port.</summary>
    internal const string Serial = "ttyS0";

    /// <summary>The virtio console.</summary>
    internal const string Virtio = "hvc0";
}
