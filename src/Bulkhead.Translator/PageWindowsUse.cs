namespace Bulkhead.Translator;

/// <summary>Which user code looks for its operands in a window first (<see cref="Memory.PageWindows"/>).</summary>
public enum PageWindowsUse
{
    /// <summary>None.</summary>
    Off,

    /// <summary>That of address spaces that are found running again and again.</summary>
    On,

    /// <summary>All 64-bit code, and pages of memory are mirrored at their first use: for tests.</summary>
    Always,
}
