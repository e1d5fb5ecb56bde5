namespace Bulkhead.Devices.Chipset;

/// <summary>One comparator of the HPET; its owner's lock guards it.</summary>
internal sealed class HpetTimer
{
    /// <summary>Of the configuration register: the I/O APIC pin.</summary>
    public const uint RouteBits = 31 << 9;

    private const ulong MinPeriodTicks = 1000;

    /// <summary>The pin it drives, or -1.</summary>
    public int DrivenPin { get; set; } = -1;

    /// <summary>The writable bits of the configuration register.</summary>
    public uint Config { get; set; }

    /// <summary>The next match.</summary>
    public ulong Comparator { get; set; } = ulong.MaxValue;

    /// <summary>The distance to the match after it, in periodic mode.</summary>
    public ulong Period { get; set; }

    /// <summary>The counter value of the next match, unwrapped; <see cref="ulong.MaxValue"/> for none.</summary>
    public ulong NextMatch { get; set; } = ulong.MaxValue;

    /// <summary>Level instead of edge.</summary>
    public bool IsLevel => (Config & 0x02) != 0;

    /// <summary>May interrupt.</summary>
    public bool IsEnabled => (Config & 0x04) != 0;

    /// <summary>Periodic mode.</summary>
    public bool IsPeriodic => (Config & 0x08) != 0;

    /// <summary>The next comparator write sets the comparator, not only the period.</summary>
    public bool SetsValue => (Config & 0x40) != 0;

    /// <summary>Only the low 32 bits count.</summary>
    public bool Is32Bit => (Config & 0x100) != 0;

    /// <summary>The I/O APIC pin chosen.</summary>
    public int Route => (int)((Config >> 9) & 31);

    /// <summary>Finds the next match at or after <paramref name="counter"/>.</summary>
    public void Aim(ulong counter)
    {
        ulong distance = Comparator - counter;
        NextMatch = Is32Bit ? counter + (uint)distance : Comparator >= counter ? Comparator : ulong.MaxValue;
    }

    /// <summary>After a match: moves a periodic comparator past <paramref name="counter"/>, however many were missed.</summary>
    public void Advance(ulong counter)
    {
        ulong period = Is32Bit ? (uint)Period : Period;
        if (!IsPeriodic || period == 0)
        {
            // A 32-bit one-shot matches again after a full turn of the counter.
            NextMatch = Is32Bit ? NextMatch + 0x1_0000_0000 : ulong.MaxValue;
            return;
        }

        // A period below 10 µs is given on multiples of itself, so that a guest cannot keep its host busy with ticks.
        ulong step = period >= MinPeriodTicks ? period : (MinPeriodTicks + period - 1) / period * period;
        NextMatch += Math.Max((counter - NextMatch) / period * period + period, step);
        Comparator = Is32Bit ? (uint)NextMatch : NextMatch;
    }
}
