using System.Globalization;
using Bulkhead.Core;
using Bulkhead.Machine.Configuration;

namespace Bulkhead.Machine.Simulation;

/// <summary>The synthetic load of a domain's vCPUs.</summary>
/// <remarks>
/// Work that comes while there is work left is done after it, without a sleep in between. <i>Shape</i>: <c>busy</c>, <c>idle</c>,
/// <c>periodic:PERIOD/RUN</c>, <c>random:PERIOD/RUN</c>, the last two with <c>@START</c> if wanted; all but <c>idle</c> with
/// <c>,hint=N</c> or <c>,hint=N:TIME</c> behind.
/// </remarks>
/// <param name="Kind">What it does.</param>
/// <param name="PeriodNs">From one piece of work to the next, or the mean of that; above 0 where the kind has it.</param>
/// <param name="RunNs">The time a piece of work takes on the CPU, or the mean of that; above 0 where the kind has it.</param>
/// <param name="StartNs">When the first period begins.</param>
public sealed record SimulatedLoad(LoadKind Kind, long PeriodNs = 0, long RunNs = 0, long StartNs = 0)
{
    /// <summary>What <see cref="TryParse"/> accepts, for messages.</summary>
    public const string Form = "busy, idle, periodic:PERIOD/RUN or random:PERIOD/RUN, such as periodic:10ms/1ms, with ,hint=N or ,hint=N:TIME behind if it says what it does";

    private const int MostHint = 255;

    /// <summary>Computes without end.</summary>
    public static readonly SimulatedLoad Busy = new(LoadKind.Busy);

    /// <summary>Never wakes.</summary>
    public static readonly SimulatedLoad Idle = new(LoadKind.Idle);

    /// <summary>What the guest writes to its hint port after each wake-up; 0 = nothing.</summary>
    public byte Hint { get; init; }

    /// <summary>For so long of what it then runs, before it takes that back; 0 = until it sleeps.</summary>
    public long HintNs { get; init; }

    /// <summary>A tenth of the CPU, every 10 ms.</summary>
    public static readonly SimulatedLoad Control = new(LoadKind.Periodic, 10_000_000, 1_000_000);

    /// <summary>The words a load begins with.</summary>
    public static IReadOnlyList<string> Words { get; } = ["busy", "idle", "periodic", "random"];

    /// <summary>What is assumed of a domain nobody says anything about: one that must answer fast does little, others all they can. One with a
    /// reservation needs just that.</summary>
    public static SimulatedLoad Assume(DomainConfig domain)
    {
        ArgumentNullException.ThrowIfNull(domain);
        if (domain.Reservation is { Cpu: var declared })
        {
            return new SimulatedLoad(LoadKind.Periodic, declared.PeriodNs, declared.BudgetNs, 0);
        }

        return domain.Warp is not null || domain.Latency is not null || domain.Classes.Count > 0 ? Control : Busy;
    }

    /// <summary>Reads a load.</summary>
    public static bool TryParse(string text, out SimulatedLoad load)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split(',');
        return TryParseWork(parts[0], out load)
            && (parts.Length == 1 || (parts.Length == 2 && load.Kind != LoadKind.Idle && TryParseHint(parts[1], ref load)));
    }

    private static bool TryParseHint(string text, ref SimulatedLoad load)
    {
        string[] parts = text.Split(':');
        long forNs = 0;
        if (parts.Length > 2
            || !parts[0].StartsWith("hint=", StringComparison.Ordinal)
            || !int.TryParse(parts[0]["hint=".Length..], NumberStyles.None, CultureInfo.InvariantCulture, out int hint)
            || hint is < 1 or > MostHint
            || (parts.Length == 2 && (!Quantity.TryParseDuration(parts[1], out forNs) || forNs <= 0)))
        {
            return false;
        }

        load = load with { Hint = (byte)hint, HintNs = forNs };
        return true;
    }

    private static bool TryParseWork(string text, out SimulatedLoad load)
    {
        load = text == "idle" ? Idle : Busy;
        string[] parts = text.Split(':');
        if (parts.Length == 1)
        {
            return text is "idle" or "busy";
        }

        string[] timesAndStart = parts[1].Split('@');
        string[] times = timesAndStart[0].Split('/');
        if (parts.Length != 2 || timesAndStart.Length > 2 || times.Length != 2 || parts[0] is not ("periodic" or "random"))
        {
            return false;
        }

        long startNs = 0;
        if (!Quantity.TryParseDuration(times[0], out long periodNs)
            || !Quantity.TryParseDuration(times[1], out long runNs)
            || (timesAndStart.Length == 2 && !Quantity.TryParseDuration(timesAndStart[1], out startNs)))
        {
            return false;
        }

        load = new SimulatedLoad(parts[0] == "random" ? LoadKind.Random : LoadKind.Periodic, periodNs, runNs, startNs);
        return periodNs > 0 && runNs > 0;
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        string word = Kind.ToString().ToLowerInvariant();
        string start = StartNs == 0 ? string.Empty : "@" + Quantity.FormatDuration(StartNs);
        string hint = Hint == 0 ? string.Empty : string.Create(CultureInfo.InvariantCulture, $",hint={Hint}{(HintNs == 0 ? string.Empty : ":" + Quantity.FormatDuration(HintNs))}");
        return PeriodNs == 0 ? word + hint : $"{word}:{Quantity.FormatDuration(PeriodNs)}/{Quantity.FormatDuration(RunNs)}{start}{hint}";
    }
}
