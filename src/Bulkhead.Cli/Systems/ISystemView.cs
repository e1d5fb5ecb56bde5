using Bulkhead.Cli.Control;

namespace Bulkhead.Cli.Systems;

/// <summary>What the operator sees of a system.</summary>
/// <remarks><i>Threading</i>: the control thread.</remarks>
internal interface ISystemView
{
    /// <summary>A guest printed a line.</summary>
    void Line(string domain, string text);

    /// <summary>Something happened that is worth a line.</summary>
    void Note(string text);

    /// <summary>A batch of lines is over.</summary>
    void Flush();

    /// <summary>Another second is over.</summary>
    void Tick(double elapsedSeconds, IReadOnlyList<DomainStatus> domains);

    /// <summary>The system is over.</summary>
    void End(int exitCode, IReadOnlyList<DomainStatus> domains);
}
