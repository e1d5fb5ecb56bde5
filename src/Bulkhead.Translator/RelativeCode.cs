namespace Bulkhead.Translator;

/// <summary>Which pages of 64-bit user code get position-independent translations.</summary>
public enum RelativeCode
{
    /// <summary>None: each address of a page has translations of its own.</summary>
    Off,

    /// <summary>Those met at a second address.</summary>
    On,

    /// <summary>All: for tests.</summary>
    Always,
}
