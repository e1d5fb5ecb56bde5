using Bulkhead.Translator.Decode;
using Iced.Intel;

namespace Bulkhead.Translator.Emit;

/// <summary>A block read and analysed, ready to emit. Reused from block to block.</summary>
internal sealed class BlockPlan(int capacity)
{
    /// <summary>The instructions.</summary>
    internal Instruction[] Instructions { get; } = new Instruction[capacity];

    /// <summary>Status flags somebody reads at or after instruction i before they are overwritten (Iced's bits).</summary>
    internal byte[] LiveBefore { get; } = new byte[capacity + 1];

    /// <summary>Whether somebody reads flags where instruction i's branch goes.</summary>
    internal bool[] LiveAtTarget { get; } = new bool[capacity];

    /// <summary>Whether somebody reads flags at the instruction after instruction i, which a call returns to.</summary>
    internal bool[] LiveAtNext { get; } = new bool[capacity];

    /// <summary>Whether nothing of the block follows instruction i but what other branches go to.</summary>
    internal bool[] Closes { get; } = new bool[capacity];

    /// <summary>Whether instruction i is interpreted, and translated code goes on behind it.</summary>
    internal bool[] GoesOnInterpreted { get; } = new bool[capacity];

    /// <summary>Whether a branch of the block itself goes to instruction i.</summary>
    internal bool[] IsLabel { get; } = new bool[capacity];

    /// <summary>Where its branches go, <see cref="TargetCount"/> of them.</summary>
    internal ulong[] Targets { get; } = new ulong[capacity];

    /// <summary>How many branches that may stay in the block.</summary>
    internal int TargetCount { get; set; }

    /// <summary>How many instructions.</summary>
    internal int Count { get; set; }

    /// <summary>How many notes the emitter made of them.</summary>
    internal int Notes { get; set; }

    /// <summary>The mode they were read in.</summary>
    internal ModeWord Mode { get; set; }

    /// <summary>The instruction pointer of the first: a position-independent block's in its page.</summary>
    internal ulong Rip { get; set; }

    /// <summary>Whether the block is position-independent: every instruction pointer in it counts from where its page stands.</summary>
    internal bool Relative { get; set; }

    /// <summary>Whether operands are looked for in the window first.</summary>
    internal bool Windowed => Mode.Windowed && !Transient;

    /// <summary>How it is entered with flags in the state.</summary>
    internal FlagsEntry FlagsEntry { get; set; }

    /// <summary>The code page id the block belongs to; 0 for a transient block.</summary>
    internal uint PageId { get; set; }

    /// <summary>The code page id of the page its only instruction ends in; 0 where it ends in the page it begins in.</summary>
    internal uint SecondPage { get; set; }

    /// <summary>Whether the block is used once, by itself: no links, operands may bounce.</summary>
    internal bool Transient { get; set; }

    /// <summary>Whether an instruction pointer lies in the page the block begins in.</summary>
    internal bool IsSamePage(ulong rip) => ((Mode.InPages(rip) ^ Mode.InPages(Rip)) & ~0xFFFul) == 0;

    /// <summary>The instruction of this block that stands at an instruction pointer and that branches of the block go to as such, or -1.</summary>
    internal int LabelAt(ulong rip) => TargetCount > 0 && IndexOf(rip) is >= 0 and int i && IsLabel[i] ? i : -1;

    /// <summary>The instruction of the block that begins at an instruction pointer, or -1.</summary>
    internal int IndexOf(ulong rip)
    {
        int low = 0;
        int high = Count - 1;
        while (low <= high)
        {
            int middle = (low + high) >> 1;
            ulong at = Instructions[middle].IP;
            if (at == rip)
            {
                return middle;
            }

            (low, high) = at < rip ? (middle + 1, high) : (low, middle - 1);
        }

        return -1;
    }
}
