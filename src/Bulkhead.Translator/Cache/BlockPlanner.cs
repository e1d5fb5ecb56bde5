using Bulkhead.Translator.Decode;
using Bulkhead.Translator.Emit;
using Bulkhead.X86.Instructions;
using Iced.Intel;

namespace Bulkhead.Translator.Cache;

/// <summary>Reads a block and finds which flags are live in it.</summary>
internal sealed unsafe class BlockPlanner(EngineOptions options)
{
    private const int LookaheadInstructions = 12;

    private readonly EngineOptions _options = options;
    private readonly BlockPlan _plan = new(Math.Max(options.MaxBlockInstructions, 1));

    /// <summary>The decoder.</summary>
    internal BlockReader Reader { get; } = new();

    /// <summary>Plans the block at <paramref name="rip"/>; no instructions when the first one leaves the page.</summary>
    internal BlockPlan Plan(byte* page, ulong rip, ModeWord mode, uint pageId, bool relative)
    {
        Reader.Open(page, mode.CodeBits);
        _plan.Mode = mode;
        _plan.Rip = rip;
        _plan.PageId = pageId;
        _plan.SecondPage = 0;
        _plan.Transient = false;
        _plan.Relative = relative;
        int offset = (int)(rip & 0xFFF);
        int count = 0;
        bool ends = false;
        while (count < _options.MaxBlockInstructions && offset < 4096 && Reader.TryDecode(offset, rip, out _plan.Instructions[count]))
        {
            ref readonly Instruction i = ref _plan.Instructions[count];
            count++;
            offset += i.Length;
            rip += (ulong)i.Length;
            if (EndsBlock(i, mode))
            {
                ends = true;
                break;
            }
        }

        _plan.Count = count;
        if (count > 0)
        {
            AnalyseFlags(page, ends);
        }

        return _plan;
    }

    /// <summary>Plans one instruction by itself, for one use; every flag is live around it.</summary>
    internal BlockPlan PlanTransient(byte* bytes, int length, ulong rip, ModeWord mode)
    {
        PlanOne(bytes, length, rip, mode);
        _plan.PageId = 0;
        _plan.SecondPage = 0;
        _plan.Transient = true;
        _plan.Relative = false;
        return _plan;
    }

    /// <summary>Plans the instruction that begins in one page and ends in the next; no instructions when it does not.</summary>
    internal BlockPlan PlanSpanning(byte* page, byte* secondPage, ulong rip, ModeWord mode, uint pageId, uint secondPageId, bool relative)
    {
        byte* bytes = stackalloc byte[2 * BlockReader.MaxInstructionBytes];
        int offset = (int)(rip & 0xFFF);
        int first = 4096 - offset;
        new ReadOnlySpan<byte>(page + offset, first).CopyTo(new Span<byte>(bytes, first));
        new ReadOnlySpan<byte>(secondPage, BlockReader.MaxInstructionBytes).CopyTo(new Span<byte>(bytes + first, BlockReader.MaxInstructionBytes));
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
        _ = Reader.TryDecode(bytes, bytes + length, rip, out _plan.Instructions[0]);
        _plan.LiveBefore[0] = FlagFacts.All;
        _plan.LiveBefore[1] = FlagFacts.All;
        _plan.LiveAtTarget = true;
        _plan.LiveAtNext = true;
    }

    private bool EndsBlock(in Instruction i, ModeWord mode)
    {
        if (i.IsInvalid || i.FlowControl != FlowControl.Next)
        {
            return true;
        }

        return !BlockEmitter.Emits(i, mode, _options);
    }

    private void AnalyseFlags(byte* page, bool ends)
    {
        int count = _plan.Count;
        ref readonly Instruction last = ref _plan.Instructions[count - 1];
        int live = ends ? LiveAfterEnd(page, last) : LiveAt(page, last.NextIP);
        if (!ends)
        {
            _plan.LiveAtNext = live != 0;
        }

        _plan.LiveBefore[count] = (byte)live;
        for (int k = count - 1; k >= 0; k--)
        {
            ref readonly Instruction i = ref _plan.Instructions[k];
            if (k == count - 1 && ends && IsOpaque(i))
            {
                live = FlagFacts.All;
            }
            else
            {
                live = (live & ~FlagFacts.Written(i)) | FlagFacts.Read(i);
                if (MayShowFlags(i))
                {
                    live = FlagFacts.All;
                }
            }

            _plan.LiveBefore[k] = (byte)live;
        }
    }

    /// <summary>Whether a fault of it shows every flag from before it.</summary>
    private bool MayShowFlags(in Instruction i) => (_options.ExactFaultFlags || _options.CountInstructions) && MayFault(i);

    private static bool MayFault(in Instruction i)
    {
        ref readonly InstructionEntry entry = ref InstructionTable.Get(i.Code);
        return entry.Class != InstructionClass.Carried || entry.Traps || BlockEmitter.HasMemory(i);
    }

    /// <summary>Whether what follows may look at every flag: returns, indirect jumps and calls, interpreted instructions.</summary>
    private static bool IsOpaque(in Instruction i) =>
        i.FlowControl is not (FlowControl.ConditionalBranch or FlowControl.UnconditionalBranch or FlowControl.Call)
        || i.Op0Kind is not (OpKind.NearBranch16 or OpKind.NearBranch32 or OpKind.NearBranch64);

    private int LiveAfterEnd(byte* page, in Instruction last)
    {
        _plan.LiveAtTarget = true;
        _plan.LiveAtNext = true;
        if (last.FlowControl is FlowControl.Call or FlowControl.IndirectCall)
        {
            _plan.LiveAtNext = LiveAt(page, last.NextIP) != 0; // where the callee returns to
        }

        if (IsOpaque(last))
        {
            return FlagFacts.All;
        }

        int live = LiveAt(page, last.NearBranchTarget);
        _plan.LiveAtTarget = live != 0;
        if (last.FlowControl == FlowControl.ConditionalBranch)
        {
            int next = LiveAt(page, last.NextIP);
            _plan.LiveAtNext = next != 0;
            live |= next;
        }

        return live;
    }

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
        while (_options.FlagLookahead && unknown != 0 && instructions-- > 0 && ((rip ^ _plan.Rip) & ~0xFFFul) == 0
            && Reader.TryDecode((int)(rip & 0xFFF), rip, out Instruction i) && !i.IsInvalid)
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
