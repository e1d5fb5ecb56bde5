namespace Bulkhead.Machine.Configuration;

/// <summary>What policies are called, in files and in whatever we print.</summary>
public static class PolicyWords
{
    /// <summary>In the order of <see cref="SchedulingPolicy"/>.</summary>
    internal static readonly string[] All = ["bvt", "edf", "arinc653", "fixed-priority", "null"];

    /// <summary>The policy's word.</summary>
    public static string Word(this SchedulingPolicy policy) => All[(int)policy];
}
