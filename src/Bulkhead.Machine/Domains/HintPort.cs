using Bulkhead.Core.Io;

namespace Bulkhead.Machine.Domains;

/// <summary>The port through which a guest says what a vCPU is doing, and reads what came of it; each vCPU has its own.</summary>
/// <remarks>
/// Four bytes, of which the first is written. Where a domain has no classes nobody answers here: reads are all ones and writes are
/// lost, as on a machine that has never heard of it.
/// <code>
/// offset  read                                              written
/// 0       the hint in force, 0 after HLT                    the hint, 0 = nothing special
/// 1       the class of the vCPU, counted from 1; 0 = none
/// 2       how many classes there are
/// 3       0x48, which says that this is there
/// </code>
/// <i>Cost</i>: an exit; and the turn's end, where it changes the class.
/// </remarks>
internal static class HintPort
{
    /// <summary>The first port.</summary>
    internal const ushort First = 0xB48;

    /// <summary>What says that it is there.</summary>
    internal const byte Signature = 0x48;

    private const int Size = 4;

    /// <summary>Whether an access lies within.</summary>
    internal static bool Covers(ushort port, int length) => port >= First && port - First <= Size - length;

    /// <summary>Reads some of the bytes.</summary>
    internal static IoResult Read(VcpuClasses classes, ushort port, Span<byte> data)
    {
        uint all = classes.Hint | ((uint)classes.Current << 8) | ((uint)classes.Names.Count << 16) | ((uint)Signature << 24);
        for (int i = 0; i < data.Length; i++)
        {
            data[i] = (byte)(all >> (8 * (port - First + i)));
        }

        return IoResult.Ok;
    }

    /// <summary>Takes the hint, where it is the first byte that is written.</summary>
    internal static IoResult Write(VcpuClasses classes, ushort port, ReadOnlySpan<byte> data)
    {
        if (port == First)
        {
            classes.Say(data[0]);
        }

        return IoResult.Ok;
    }
}
