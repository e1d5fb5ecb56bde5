namespace Bulkhead.Translator;

/// <summary>Which user code looks for its operands in a window first (<see cref="Memory.PageWindows"/>).</summary>
public enum PageWindowsUse
{
    /// <summary>None.</summary>
    Off,

    /// <summary>Pages of code that vCPUs were found in again and again.</summary>
    On,

    /// <summary>All, and pages of memory are mirrored at their first use: for tests.</summary>
    Always,
}
