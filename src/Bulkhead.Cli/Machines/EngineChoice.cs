namespace Bulkhead.Cli.Machines;

/// <summary>Which engine runs the guest's code.</summary>
internal enum EngineChoice
{
    /// <summary>The best one there is on this host.</summary>
    Auto,

    /// <summary>The binary translator.</summary>
    Translator,
}
