using Iced.Intel;

namespace Bulkhead.Translator.Verify;

/// <summary>One instruction of a <see cref="Listing"/>, and what the verifier found out about it.</summary>
internal struct ListedInstruction
{
    /// <summary>Where it stands in the block.</summary>
    internal int Offset;

    /// <summary>As Iced reads it.</summary>
    internal Instruction Iced;

    /// <summary>As the own decoder reads it.</summary>
    internal HostInstruction Own;

    /// <summary>The template that starts here.</summary>
    internal Template Template;

    /// <summary>How many instructions the template has.</summary>
    internal int Items;

    /// <summary>Whether it is inside a template, where nothing may enter.</summary>
    internal bool Inside;

    /// <summary>How many branches and returns enter here.</summary>
    internal int Entries;

    /// <summary>Whether a branch that enters here does so under a limit check.</summary>
    internal bool LimitOnEntry;

    /// <summary>Whether one comes with where the block's page stands pushed.</summary>
    internal bool PushedOnEntry;

    /// <summary>Whether a check's slow path starts here; nothing falls into it.</summary>
    internal bool SlowPath;

    /// <summary>Whether a check's slow path ends here.</summary>
    internal bool Claimed;
}
