namespace Bulkhead.Devices.Chipset;

/// <summary>Days since 1970-01-01 to dates and back, for any input: guests write nonsense into clocks.</summary>
internal static class CivilTime
{
    /// <summary>Days since the epoch; months and days out of range carry over.</summary>
    public static long ToDays(long year, int month, int day)
    {
        year += (month - 1) / 12;
        month = ((month + 11) % 12) + 1;

        // Years that begin in March put the leap day last.
        long y = month <= 2 ? year - 1 : year;
        long era = (y >= 0 ? y : y - 399) / 400;
        long yearOfEra = y - (era * 400);
        long dayOfYear = (((153 * (month > 2 ? month - 3 : month + 9)) + 2) / 5) + day - 1;
        long dayOfEra = (yearOfEra * 365) + (yearOfEra / 4) - (yearOfEra / 100) + dayOfYear;
        return (era * 146_097) + dayOfEra - 719_468;
    }

    /// <summary>The date of a day since the epoch.</summary>
    public static (int Year, int Month, int Day) FromDays(long days)
    {
        days += 719_468;
        long era = (days >= 0 ? days : days - 146_096) / 146_097;
        long dayOfEra = days - (era * 146_097);
        long yearOfEra = (dayOfEra - (dayOfEra / 1460) + (dayOfEra / 36_524) - (dayOfEra / 146_096)) / 365;
        long dayOfYear = dayOfEra - ((365 * yearOfEra) + (yearOfEra / 4) - (yearOfEra / 100));
        int shifted = (int)(((5 * dayOfYear) + 2) / 153);
        int day = (int)(dayOfYear - (((153 * shifted) + 2) / 5) + 1);
        int month = shifted < 10 ? shifted + 3 : shifted - 9;
        return ((int)(yearOfEra + (era * 400) + (month <= 2 ? 1 : 0)), month, day);
    }
}
