namespace Bulkhead.Translator.Emit;

/// <summary>Where the guest's status flags are at a point of emitted code.</summary>
internal enum FlagsPlace
{
    /// <summary>In the host's flags.</summary>
    Host,

    /// <summary>In the state; the host's are scratch.</summary>
    Saved,

    /// <summary>Nowhere: the guest writes them before it reads them.</summary>
    Dead,
}
