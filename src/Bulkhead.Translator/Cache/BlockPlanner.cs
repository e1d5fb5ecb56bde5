using Bulkhead.Translator.Decode;
using Bulkhead.Translator.Emit;
using Bulkhead.X86.Instructions;
using Iced.Intel;

namespace Bulkhead.Translator.Cache;

/// <summary>Reads a block and finds which flags are live in it.</summary>
internal sealed unsafe class BlockPlanner(IEmissionLog space, EngineOptions options)
{
    private const int LookaheadInstructions = 12;

    /// <summary>A branch after so many instructions ends its block: what follows is translated when it is reached, for most is not.</summary>
    private const int LongEnough = 24;

    private readonly IEmissionLog _space = space;
    private readonly EngineOptions _options = options;
    private readonly BlockPlan _plan = new(Math.Max(options.MaxBlockInstructions, 1));

    /// <summary>The decoder.</summary>
    internal BlockReader Reader { get; } = new(space.Offers);

    /// <summary>Plans the block at <paramref name="rip"/>; no instructions when the first one leaves the page.</summary>
    internal BlockPlan Plan(byte* page, ulong rip, ModeWord mode, uint pageId, bool relative, ulong* noted = null)
    {
        Reader.Open(page, mode.CodeBits, noted);
        _plan.Mode = mode;
        _plan.Rip = rip;
        _plan.PageId = pageId;
        _plan.SecondPage = 0;
        _plan.Transient = false;
        _plan.Relative = relative;
        int offset = (int)(mode.InPages(rip) & 0xFFF);
        int count = 0;
        bool ends = false;
        _plan.TargetCount = 0;
        while (count < _options.MaxBlockInstructions && offset < 4096 && Reader.TryDecode(offset, rip, out _plan.Instructions[count]))
        {
            ref readonly Instruction i = ref _plan.Instructions[count];
            count++;
            offset += i.Length;
            rip += (ulong)i.Length;
            bool interpreted = !BlockEmitter.Emits(i, mode, _options);
            bool falls = LongBlocks && FallsThrough(i, interpreted);
            ends = ((interpreted || i.FlowControl != FlowControl.Next) && !(falls && count < LongEnough)) || BlockEmitter.ChangesView(i, mode, _options);
            if (i.FlowControl != FlowControl.Next && HasLabel(i))
            {
                _plan.Targets[_plan.TargetCount++] = i.NearBranchTarget;
            }

            _plan.Closes[count - 1] = ends;
            _plan.GoesOnInterpreted[count - 1] = interpreted && falls;
            if (LongBlocks ? (ends && !IsTarget(rip)) || _space.TryFind(pageId, rip, out _) : ends)
            {
                break;
            }
        }

        _plan.Count = count;
        if (count > 0)
        {
            FindLabels();
            AnalyseFlags(page);
            _plan.FlagsEntry = FindFlagsEntry();
        }

        return _plan;
    }

    /// <summary>Where instructions are counted, each way through a block must have as many.</summary>
    private bool LongBlocks => _options.LongBlocks && _options.Chain && !_options.CountInstructions;

    /// <summary>Whether the instruction after a branch, or one that is interpreted, is likely to follow it, and may stand in the same block.</summary>
    private bool FallsThrough(in Instruction i, bool interpreted) =>
        interpreted ? i.FlowControl == FlowControl.Next && i.Mnemonic != Mnemonic.Hlt && !i.IsInvalid && InstructionTable.Get(i.Code).Class != InstructionClass.Absent
            : IsJcc(i) || (_options.ReturnStack && i.FlowControl is FlowControl.Call or FlowControl.IndirectCall);

    private static bool IsJcc(in Instruction i) => i.IsJccShortOrNear && !IsOpaque(i);

    /// <summary>Whether one of the first instructions branches to an instruction pointer.</summary>
    private bool IsTarget(ulong rip) => _plan.Targets.AsSpan(0, _plan.TargetCount).Contains(rip);

    private static bool HasLabel(in Instruction i) => (IsJcc(i) || i.FlowControl == FlowControl.UnconditionalBranch) && !IsOpaque(i);

    private void FindLabels()
    {
        Array.Clear(_plan.IsLabel, 0, _plan.Count);
        foreach (ulong target in _plan.Targets.AsSpan(0, LongBlocks ? _plan.TargetCount : 0))
        {
            if (_plan.IndexOf(target) is >= 0 and int label)
            {
                _plan.IsLabel[label] = true;
            }
        }
    }

    /// <summary>Plans one instruction by itself, for one use; every flag is live around it.</summary>
    internal BlockPlan PlanTransient(byte* bytes, int length, ulong rip, ModeWord mode)
    {
        PlanOne(bytes, length, rip, mode);
        _plan.FlagsEntry = FlagsEntry.None;
        _plan.PageId = 0;
        _plan.SecondPage = 0;
        _plan.Transient = true;
        _plan.Relative = false;
        return _plan;
    }

    /// <summary>Plans the instruction that begins in one page and ends in the next; no instructions when it does not.</summary>
    internal BlockPlan PlanSpanning(byte* page, byte* secondPage, ulong rip, ModeWord mode, uint pageId, uint secondPageId, bool relative, ulong* noted, ulong* secondNoted)
    {
        byte* bytes = stackalloc byte[2 * BlockReader.MaxInstructionBytes];
        int offset = (int)(mode.InPages(rip) & 0xFFF);
        int first = 4096 - offset;
        new ReadOnlySpan<byte>(page + offset, first).CopyTo(new Span<byte>(bytes, first));
        new ReadOnlySpan<byte>(secondPage, BlockReader.MaxInstructionBytes).CopyTo(new Span<byte>(bytes + first, BlockReader.MaxInstructionBytes));
        if (noted != null)
        {
            BlockReader.Note(noted, offset, first);
        }

        if (secondNoted != null)
        {
            BlockReader.Note(secondNoted, 0, BlockReader.MaxInstructionBytes);
        }

        PlanOne(bytes, first + BlockReader.MaxInstructionBytes, rip, mode);
        _plan.PageId = pageId;
        _plan.SecondPage = secondPageId;
        _plan.Transient = false;
        _plan.Relative = relative;
        if (_plan.Instructions[0].Length <= first)
        {
            _plan.Count = 0;
        }

        return _plan;
    }

    private void PlanOne(byte* bytes, int length, ulong rip, ModeWord mode)
    {
        Reader.Open(bytes, mode.CodeBits);
        _plan.Mode = mode;
        _plan.Rip = rip;
        _plan.Count = 1;
        _plan.TargetCount = 0;
        _ = Reader.TryDecode(bytes, bytes + length, rip, out _plan.Instructions[0]);
        _plan.LiveBefore[0] = FlagFacts.All;
        _plan.LiveBefore[1] = FlagFacts.All;
        _plan.FlagsEntry = FlagsEntry.Restores;
        _plan.LiveAtTarget[0] = true;
        _plan.LiveAtNext[0] = true;
        _plan.IsLabel[0] = false;
        _plan.GoesOnInterpreted[0] = false;
    }

    private void AnalyseFlags(byte* page)
    {
        int count = _plan.Count;
        _plan.LiveBefore[count] = _plan.Closes[count - 1] ? (byte)0 : (byte)LiveAt(page, _plan.Instructions[count - 1].NextIP);
        for (int k = count - 1; k >= 0; k--)
        {
            ref readonly Instruction i = ref _plan.Instructions[k];
            int live = LiveAfter(page, k);
            live = live < 0 || MayShowFlags(i) ? FlagFacts.All : (live & ~FlagFacts.Written(i)) | FlagFacts.Read(i);
            _plan.LiveBefore[k] = (byte)live;
        }
    }

    /// <summary>Whether the block first reads the flags it is entered with, or first needs the host's for a check of an operand or of the limit.</summary>
    private FlagsEntry FindFlagsEntry()
    {
        if (_plan.LiveBefore[0] == 0)
        {
            return FlagsEntry.None;
        }

        for (int k = 0; k < _plan.Count && !_options.CountInstructions && !_plan.IsLabel[k]; k++)
        {
            ref readonly Instruction i = ref _plan.Instructions[k];
            if (i.Mnemonic is Mnemonic.Nop or Mnemonic.Endbr64 or Mnemonic.Lea)
            {
                continue;
            }

            ref readonly InstructionEntry entry = ref InstructionTable.Get(i.Code);
            if (i.FlowControl is FlowControl.ConditionalBranch or FlowControl.UnconditionalBranch)
            {
                return FlagsEntry.Restores;
            }

            if (entry.Class != InstructionClass.Carried || (BlockEmitter.HasMemory(i) && entry.MemoryBytes > 0))
            {
                return FlagsEntry.Saves;
            }

            if (FlagFacts.Touches(i))
            {
                return FlagsEntry.Restores;
            }
        }

        return FlagsEntry.Restores;
    }

    /// <summary>The flags live after an instruction on every way from it; -1 where whatever follows may look at all as they were before it.</summary>
    private int LiveAfter(byte* page, int k)
    {
        ref readonly Instruction i = ref _plan.Instructions[k];
        if (i.FlowControl == FlowControl.Next && !_plan.Closes[k] && !_plan.GoesOnInterpreted[k])
        {
            _plan.LiveAtNext[k] = _plan.LiveBefore[k + 1] != 0;
            return _plan.LiveBefore[k + 1];
        }

        bool calls = i.FlowControl is FlowControl.Call or FlowControl.IndirectCall;
        bool goesOn = calls || i.FlowControl == FlowControl.ConditionalBranch;
        int next = !goesOn ? 0 : _plan.Closes[k] ? LiveAt(page, i.NextIP) : _plan.LiveBefore[k + 1];
        _plan.LiveAtNext[k] = next != 0 || _plan.GoesOnInterpreted[k];
        _plan.LiveAtTarget[k] = true;
        if (IsOpaque(i))
        {
            return -1;
        }

        int label = HasLabel(i) && LongBlocks ? _plan.IndexOf(i.NearBranchTarget) : -1;
        int target = label > k ? _plan.LiveBefore[label] : LiveAt(page, i.NearBranchTarget);
        _plan.LiveAtTarget[k] = target != 0;
        return calls ? target : target | next;
    }

    /// <summary>Whether a fault of it, or the turn's end behind it, shows every flag from before it.</summary>
    private bool MayShowFlags(in Instruction i) => (_options.ExactFaultFlags || _options.CountInstructions) && MayFault(i);

    private static bool MayFault(in Instruction i)
    {
        ref readonly InstructionEntry entry = ref InstructionTable.Get(i.Code);
        return entry.Class != InstructionClass.Carried || entry.Traps || BlockEmitter.HasMemory(i) || i.Mnemonic == Mnemonic.Pause;
    }

    /// <summary>Whether what follows may look at every flag: returns, indirect jumps and calls, interpreted instructions.</summary>
    private static bool IsOpaque(in Instruction i) =>
        i.FlowControl is not (FlowControl.ConditionalBranch or FlowControl.UnconditionalBranch or FlowControl.Call)
        || i.Op0Kind is not (OpKind.NearBranch16 or OpKind.NearBranch32 or OpKind.NearBranch64);

    /// <summary>Flags live at an instruction pointer, as far as a short look inside the page tells.</summary>
    private int LiveAt(byte* page, ulong rip)
    {
        int instructions = LookaheadInstructions;
        return LiveAt(page, rip, ref instructions);
    }

    private int LiveAt(byte* page, ulong rip, ref int instructions)
    {
        int unknown = FlagFacts.All;
        int live = 0;
        while (_options.FlagLookahead && unknown != 0 && instructions-- > 0 && _plan.IsSamePage(rip)
            && Reader.TryDecode((int)(_plan.Mode.InPages(rip) & 0xFFF), rip, out Instruction i) && !i.IsInvalid)
        {
            live |= FlagFacts.Read(i) & unknown;
            bool branches = i.FlowControl is FlowControl.ConditionalBranch or FlowControl.UnconditionalBranch;
            if (branches && !IsOpaque(i))
            {
                if (i.FlowControl == FlowControl.ConditionalBranch)
                {
                    int next = LiveAt(page, i.NextIP, ref instructions);
                    return live | ((next | (next == FlagFacts.All ? 0 : LiveAt(page, i.NearBranchTarget, ref instructions))) & unknown);
                }

                rip = i.NearBranchTarget;
                continue;
            }

            bool straight = i.FlowControl == FlowControl.Next
                && (InstructionTable.Get(i.Code).Class == InstructionClass.Carried || i.Mnemonic is Mnemonic.Push or Mnemonic.Pop);
            if (!straight || MayShowFlags(i))
            {
                return live | unknown;
            }

            unknown &= ~FlagFacts.Written(i);
            rip = i.NextIP;
        }

        return live | unknown;
    }
}
