using Bulkhead.Translator.Emit;
using Bulkhead.Translator.State;

namespace Bulkhead.Translator.Verify;

/// <content>The way forward through the code: what is known at each point of it, and the checks of memory operands.</content>
internal sealed partial class BlockVerifier
{
    /// <summary>The largest operand; the bounce buffer takes no larger one.</summary>
    private const int MostBytes = 64;

    /// <summary>The largest range that is checked at once for several accesses.</summary>
    private const int MostSharedBytes = 128;

    private const int PageSlotBytes = 32;
    private const int SlotsPerView = 256;

    // What is known at this point of the code.
    private int _checkedBytes;
    private bool _checkedWrite;
    private bool _checkedSum;
    private int _sharedBytes;
    private bool _sharedWrite;
    private bool _limitChecked;
    private ulong _limitTarget;
    private int _pageEdge;
    private int _borrowed;
    private bool _falls;
    private bool _secondPageCompared;
    private bool _basePushed;
    private int _bitMask;
    private int _sourceBytes;
    private int _checks;
    private int _slowPaths;
    private int _outOfLine;

    private void Forget()
    {
        _checkedBytes = 0;
        _checkedSum = false;
        _sharedBytes = 0;
        _limitChecked = false;
        _pageEdge = -1;
        _borrowed = -1;
        _bitMask = 0;
        _sourceBytes = 0;
    }

    private bool CheckFlow()
    {
        if (_options.CountInstructions != (_listing[0].Template == Template.Count))
        {
            return Fail(0, "a block that does not count its instructions");
        }

        Forget();
        _outOfLine = FindOutOfLine();
        _checks = 0;
        _slowPaths = 0;
        _secondPageCompared = _plan.SecondPage == 0 || _plan.Relative; // nobody jumps to such an instruction
        _basePushed = false;
        _falls = true;
        for (int i = 0; i < _listing.Count; i += _listing[i].Items)
        {
            ref ListedInstruction item = ref _listing[i];
            if (item.Entries != 0 || !_falls)
            {
                if (_falls && _borrowed >= 0)
                {
                    return Fail(i, "a borrowed register is not given back");
                }

                Forget();
                _limitChecked = item.LimitOnEntry && item.Entries == 1 && !_falls;
                _basePushed = item.PushedOnEntry && item.Entries == 1 && !_falls;
            }

            if (!_falls && item.Entries == 0 && IsPadding(item))
            {
                continue;
            }

            if (item.SlowPath && _falls)
            {
                return Fail(i, "a slow path entered in its middle");
            }

            _falls = true;
            if (item.Template != Template.None)
            {
                _sharedBytes = 0;
            }

            if (_checkedSum && !(item.Template == Template.None && item.Own.HasMemory && item.Own.Segment == 0))
            {
                return Fail(i, "something between a check and its access by the sum of two registers");
            }

            if (!CheckItem(i))
            {
                return false;
            }
        }

        if (!_secondPageCompared)
        {
            return Fail(0, "an instruction of two pages without the compare of the second");
        }

        if (_falls)
        {
            return Fail(_listing.Count - 1, "the end of the block is not the end of its code");
        }

        return _checks == _slowPaths || Fail(0, "a slow path belongs to no check");
    }

    private bool CheckItem(int i) => _listing[i].Template switch
    {
        Template.None => CheckSingle(i),
        Template.Check => CheckCheck(i),
        Template.SlotCheck => CheckSlot(i),
        Template.WindowCheck => CheckWindow(i),
        Template.LookUp => CheckLookUp(i),
        Template.SlotExit => Leaves(i, falls: false, ++_slowPaths),
        Template.Ask => CheckAsk(i),
        Template.MemoryExit => Leaves(i, falls: false, ++_slowPaths),
        Template.Exit => CheckExit(i),
        Template.Dispatch => Leaves(i, falls: false),
        Template.Limit => CheckLimit(i),
        Template.Return => CheckReturn(i),
        Template.PageCompare or Template.RelativeCompare => CheckPageCompare(i),
        Template.Crossing => CheckCrossing(i),
        Template.Pad => CheckPad(i),
        Template.PushBase => CheckPushBase(i),
        Template.Count => true,
        Template.BitNumber => KeepBitNumber(i),
        Template.BitTest => CheckBitTest(i),
        Template.StringSource => CheckStringSource(i),
        Template.StringChunk => CheckStringChunk(i),
        Template.Tsc => (_options.InlineSystem && !_options.CountInstructions && !_plan.Mode.TscDenied) || Fail(i, "RDTSC where it is denied"),
        _ => CheckAccess(i + 2, HighByteBase),
    };

    /// <summary>After a branch or an exit nothing is known.</summary>
    private bool Leaves(int i, bool falls, int count = 0)
    {
        _ = count;
        if (_borrowed >= 0)
        {
            return Fail(i, "a borrowed register is not given back");
        }

        Forget();
        _falls = falls;
        return true;
    }

    private bool CheckCheck(int i)
    {
        int at = _listing[i].Offset;
        int tag = TlbFieldAt(at + CheckXor) - _viewTable;
        int size = 4096 - Int32At(at + CheckCompare + 3);
        if (tag is not (0 or 8) || TlbFieldAt(at + CheckAdd) != _viewTable + TlbHost)
        {
            return Fail(i, "the check of another view or field");
        }

        if (size is < 1 or > MostSharedBytes)
        {
            return Fail(i, "a check that lets operands cross the page");
        }

        return CheckSlowPath(i, i + 4, size, tag == 8);
    }

    private bool CheckSlot(int i)
    {
        int at = _listing[i].Offset;
        int half = Int32At(at + 5);
        int size = 4096 - Int32At(at + 12);
        int offset = half - Offsets.PageSlots - (_plan.Mode.View * PageSlotBytes * SlotsPerView);
        if (offset < 0 || offset >= PageSlotBytes * SlotsPerView || offset % (PageSlotBytes / 2) != 0 || Int32At(at + 27) != half + 8)
        {
            return Fail(i, "the check of another view or field");
        }

        if (size is < 1 or > MostSharedBytes)
        {
            return Fail(i, "a check that lets operands cross the page");
        }

        return CheckSlowPath(i, i + 2, size, write: offset % PageSlotBytes != 0);
    }

    private bool CheckWindow(int i)
    {
        int at = _listing[i].Offset;
        int tags = Int32At(at + 12);
        int size = 4096 - Int32At(at + 19);
        int again = WindowAgain(at);
        if (_plan.Mode.View != 0 || !(tags == Offsets.WindowReads || tags == Offsets.WindowWrites) || (again < 0 && Int32At(at + WindowHead + 5) != tags))
        {
            return Fail(i, "the check of another view or field");
        }

        if (again >= 0 && !(i > 0 && _listing[i].Entries == 0 && _listing[i - 1].Template == Template.None && IsLowHalf(_listing[i - 1].Own, _listing[again].Own)))
        {
            return Fail(i, "the window's page by another address than was checked");
        }

        if (size is < 1 or > MostSharedBytes)
        {
            return Fail(i, "a check that lets operands cross the page");
        }

        return CheckSlowPath(i, i + 4, size, write: tags == Offsets.WindowWrites);
    }

    /// <summary>Whether what the one instruction leaves in r11d is the low half of what the other left in r10.</summary>
    private static bool IsLowHalf(in HostInstruction whole, in HostInstruction low) =>
        whole is { Map: 0, Opcode: 0x8B or 0x8D, W: true, Reg: 10, HasModRm: true, Operand16: false, Address32: false, Segment: 0, Repeat: 0, Lock: false }
        && low is { Map: 0, W: false, Reg: 11, HasModRm: true, Operand16: false, Address32: false, Segment: 0, Repeat: 0, Lock: false }
        && whole.Opcode == low.Opcode && (whole.Opcode == 0x8D) == (whole.Mod != 3) && (low.Mod != 3) == (whole.Mod != 3)
        && (whole.Mod == 3
            ? whole.Rm == low.Rm && whole.Rm is not (10 or 11)
            : whole.Base == low.Base && whole.Index == low.Index && whole.Displacement == low.Displacement && (whole.Index < 0 || whole.Scale == low.Scale)
                && whole.Base is not (10 or 11 or HostInstruction.Rip) && whole.Index is not (10 or 11));

    /// <summary>The thunk asks for the access that it leaves a host address for.</summary>
    private bool CheckLookUp(int i)
    {
        uint code = (uint)Int32At(_listing[i].Offset + 2);
        int size = (byte)(code >> 8);
        var flags = (MemoryFlags)(byte)(code >> 16);
        bool write = (flags & MemoryFlags.Write) != 0;
        if (!GoesTo(_listing[i + 1], _thunks.LookUp[(_plan.Mode.View * 2) + (write ? 1 : 0)]))
        {
            return Fail(i, "the look-up of another view or access");
        }

        if (size is < 1 or > MostBytes || (flags & MemoryFlags.Transient) != 0 || code >> 24 >= _plan.Notes)
        {
            return Fail(i, "a look-up that lets operands cross the page");
        }

        (_checkedBytes, _checkedWrite, _checkedSum) = (size, write, false);
        return true;
    }

    private bool CheckAsk(int i) => CheckSlowPath(i, i, 0, write: false);

    /// <summary>The slow path asks for the address, size and access that were checked, and comes back right after the check.</summary>
    /// <param name="i">The check.</param>
    /// <param name="branch">Its branch to the slow path.</param>
    /// <param name="size">Bytes checked; 0 for a transient block's, which checks what the slow path asks for.</param>
    /// <param name="write">Whether writing was checked.</param>
    private bool CheckSlowPath(int i, int branch, int size, bool write)
    {
        ref ListedInstruction first = ref _listing[i];
        ref ListedInstruction last = ref _listing[i + first.Items - 1];
        if (!IsBlockTarget(_listing[branch], out int start) || start <= i)
        {
            return Fail(i, "the slow path lies elsewhere");
        }

        int exit = start;
        Template end = _listing[i].Template == Template.SlotCheck ? Template.SlotExit : Template.MemoryExit;
        while (exit < _listing.Count && _listing[exit].Template == Template.None && !IsRelative(_listing[exit].Own)
            && (exit == start || _listing[exit].Entries == 0))
        {
            exit++;
        }

        if (exit >= _listing.Count || _listing[exit].Template != end || (exit != start && _listing[exit].Entries != 0))
        {
            return KeepShared(i, size, write);
        }

        ref ListedInstruction slow = ref _listing[exit];
        bool slot = end == Template.SlotExit;
        uint code = (uint)Int32At(slow.Offset + (slot ? 7 : 2));
        int asked = (byte)(code >> 8);
        var flags = (MemoryFlags)(byte)(code >> 16);
        if (size == 0)
        {
            size = asked;
            write = (flags & MemoryFlags.Write) != 0;
        }

        int length = slow.Offset - _listing[start].Offset;
        if (slot && (Int32At(slow.Offset + 1) != Int32At(first.Offset + 5)
            || !GoesTo(_listing[exit + 2], _thunks.SlotMiss[(_plan.Mode.View * 2) + (write ? 1 : 0)])))
        {
            return Fail(exit, "the slow path fills another slot");
        }

        if (!slot && !GoesTo(_listing[exit + 1], _listing[i].Template == Template.WindowCheck ? _thunks.WindowMiss[write ? 1 : 0] : _thunks.Leave))
        {
            return Fail(exit, "the slow path asks elsewhere");
        }

        if (TargetOf(_listing[exit + (slot ? 3 : 2)]) != last.Offset + last.Own.Length || slow.Claimed)
        {
            return Fail(exit, "the slow path comes back elsewhere");
        }

        if (size is < 1 or > MostBytes || asked != size || ((flags & MemoryFlags.Write) != 0) != write
            || ((flags & MemoryFlags.Transient) != 0) != _plan.Transient || code >> 24 >= _plan.Notes)
        {
            return Fail(exit, "the slow path asks for another access than was checked");
        }

        if (length > first.Offset || !_listing.Bytes.Slice(_listing[start].Offset, length).SequenceEqual(_listing.Bytes[(first.Offset - length)..first.Offset]))
        {
            return Fail(exit, "the slow path asks for another address than was checked");
        }

        slow.Claimed = true;
        _listing[start].SlowPath = true;
        _checks++;
        _checkedBytes = size;
        _checkedWrite = write;
        _checkedSum = IsSum(first.Offset);
        return true;
    }

    /// <summary>The check of a range for several accesses: where it fails nothing is known, and each has its own check again.</summary>
    private bool KeepShared(int i, int size, bool write)
    {
        _sharedBytes = size;
        _sharedWrite = write;
        return (_options.SharedChecks && size > 0 && !_plan.Transient && !IsSum(_listing[i].Offset)) || Fail(i, "the slow path is not straight");
    }
}
