namespace Bulkhead.Tools.Divergence;

/// <summary>Whose log it is.</summary>
internal enum LogFormat
{
    /// <summary>The block log of our engine: the address is the first word of a line.</summary>
    Bulkhead,

    /// <summary>QEMU's <c>-d exec</c>: <c>Trace 0: HOST [CS_BASE/PC/FLAGS/CFLAGS] SYMBOL</c>.</summary>
    Qemu,
}
