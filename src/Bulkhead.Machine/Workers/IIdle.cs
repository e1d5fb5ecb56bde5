namespace Bulkhead.Machine.Workers;

/// <summary>How an idle worker waits for a ring or a time.</summary>
internal interface IIdle
{
    /// <summary>Whether somebody rang since the last look.</summary>
    bool IsRung { get; }

    /// <summary>Ends the wait, now or next time.</summary>
    /// <remarks><i>Threading</i>: any thread.</remarks>
    void Ring();

    /// <summary>Forgets a ring before looking at what it announced.</summary>
    void Clear();

    /// <summary>Waits until rung or <paramref name="untilNs"/>; with <paramref name="prompt"/> as exactly as can be, else as cheaply.</summary>
    void Wait(long untilNs, bool prompt);
}
