using Bulkhead.Translator.State;
using Bulkhead.X86.Instructions;
using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Verify;

/// <content>Instructions by themselves: what may stand in a block, and what it may touch.</content>
internal sealed partial class BlockVerifier
{
    private const int Address = 10;
    private const int HighByteBase = 6;

    private bool CheckSingle(int i)
    {
        ref ListedInstruction item = ref _listing[i];
        if (IsRelative(item.Own))
        {
            return CheckBranch(i);
        }

        if (item.Own.Segment == 0x65)
        {
            return CheckState(i);
        }

        if (IsPadding(item))
        {
            return true; // padding
        }

        ref readonly InstructionEntry entry = ref InstructionTable.Get(item.Iced.Code);
        bool carried = entry.Class == InstructionClass.Carried
            || (item.Iced.Mnemonic is Mnemonic.Bt or Mnemonic.Bts or Mnemonic.Btr or Mnemonic.Btc && !item.Own.HasMemory);
        if (!carried || !_map.Offers(entry.Feature) || IsNeverCarried(item.Iced))
        {
            return Fail(i, "an instruction no block may hold");
        }

        if (item.Own.Segment != 0 || item.Own.Address32)
        {
            return Fail(i, "a prefix no block may hold");
        }

        if (NamesStackPointer(item.Iced))
        {
            return Fail(i, "the host's stack pointer");
        }

        if (item.Own.HasMemory && item.Iced.Mnemonic != Mnemonic.Lea)
        {
            return CheckAccess(i, Address);
        }

        if (!KeepsAddress(i))
        {
            return false;
        }

        return item.Own.Base != HostInstruction.Rip || Fail(i, "an address relative to the host's RIP");
    }

    private bool IsPadding(in ListedInstruction item) => item.Template == Template.None && _listing.Bytes[item.Offset..] is [0x90, ..] or [0x66, 0x90, ..] or [0x0F, 0x1F, 0x00, ..] or [0x0F, 0x1F, 0x84, 0, 0, 0, 0, 0, ..];

    /// <summary>What no row of the table should let through; asked of Iced, so that a slip in the table is noticed.</summary>
    private static bool IsNeverCarried(in Instruction i) =>
        i.IsPrivileged || i.FlowControl != FlowControl.Next || i.IsStackInstruction || i.IsSaveRestoreInstruction || i.IsStringInstruction
        || i.IsVsib || i.Mnemonic is Mnemonic.Rdtsc or Mnemonic.Rdtscp or Mnemonic.Rdpid or Mnemonic.Rdpmc or Mnemonic.Cpuid or Mnemonic.Xgetbv
            or Mnemonic.Rdpkru or Mnemonic.Wrpkru or Mnemonic.Rdfsbase or Mnemonic.Rdgsbase or Mnemonic.Wrfsbase or Mnemonic.Wrgsbase
            or Mnemonic.Sgdt or Mnemonic.Sidt or Mnemonic.Sldt or Mnemonic.Str or Mnemonic.Smsw or Mnemonic.Lsl or Mnemonic.Lar or Mnemonic.Verr
            or Mnemonic.Verw or Mnemonic.Cld or Mnemonic.Std or Mnemonic.Xlatb or Mnemonic.Maskmovq or Mnemonic.Maskmovdqu or Mnemonic.Vmaskmovdqu
            or Mnemonic.Clzero or Mnemonic.Movdir64b or Mnemonic.Enqcmd or Mnemonic.Fnstenv or Mnemonic.Fldenv or Mnemonic.Fnsave or Mnemonic.Frstor;

    private static bool NamesStackPointer(in Instruction i)
    {
        for (int k = 0; k < i.OpCount; k++)
        {
            Register r = i.GetOpKind(k) == OpKind.Register ? i.GetOpRegister(k) : Register.None;
            if (r.IsSegmentRegister() || r.GetFullRegister() == Register.RSP)
            {
                return true;
            }
        }

        return i.MemoryBase.GetFullRegister() == Register.RSP;
    }

    /// <summary>The use of a checked address, once: its exact size and kind, nothing but the base register. After a shared check any
    /// number of uses within the range, with a displacement.</summary>
    private bool CheckAccess(int i, int @base)
    {
        ref ListedInstruction item = ref _listing[i];
        ref readonly HostInstruction own = ref item.Own;
        ref readonly InstructionEntry entry = ref InstructionTable.Get(item.Iced.Code);
        bool shared = _checkedBytes == 0 && _sharedBytes != 0 && @base == Address;
        if (own.Base != @base || (_checkedSum ? own.Index != 11 || own.Scale != 1 : own.Index >= 0) || own.Segment != 0 || own.Address32
            || (shared ? own.Mod == 2 || own.Displacement < 0 : own.Displacement != 0 || own.Mod != 0))
        {
            return Fail(i, "a memory operand of another form than the checked register");
        }

        if (entry.Class != InstructionClass.Carried || !_map.Offers(entry.Feature) || IsNeverCarried(item.Iced) || NamesStackPointer(item.Iced))
        {
            return Fail(i, "an access no block may hold");
        }

        if (_checkedBytes == 0 && !shared)
        {
            return Fail(i, "an access without a check before it");
        }

        // The table knows where processors access more than the manual says.
        int size = Math.Max(item.Iced.MemorySize.GetSize(), (int)entry.MemoryBytes);
        if (shared ? own.Displacement + size > _sharedBytes : size != _checkedBytes)
        {
            return Fail(i, $"an access of {size} bytes at {own.Displacement}, checked for {_checkedBytes + _sharedBytes}");
        }

        InstructionInfo facts = _facts.GetInfo(item.Iced);
        bool writes = entry.MemoryWritten;
        for (int k = 0; k < item.Iced.OpCount; k++)
        {
            OpAccess access = facts.GetOpAccess(k);
            if (item.Iced.GetOpKind(k) == OpKind.Memory)
            {
                writes |= access is OpAccess.Write or OpAccess.CondWrite or OpAccess.ReadWrite or OpAccess.ReadCondWrite;
            }
            else if (item.Iced.GetOpKind(k) == OpKind.Register && item.Iced.GetOpRegister(k).IsGPR() && access != OpAccess.Write
                && item.Iced.GetOpRegister(k).GetFullRegister().GetNumber() is var number && (number == @base || (_checkedSum && number == 11)))
            {
                return Fail(i, "a host address used as data");
            }
        }

        if (shared ? writes && !_sharedWrite : writes != _checkedWrite)
        {
            return Fail(i, writes ? "a write, checked for reading" : "a read, checked for writing");
        }

        if (_borrowed >= 0 && (entry.Traps || entry.Alignment != 0))
        {
            return Fail(i, "an access that may trap while a register is borrowed");
        }

        _checkedBytes = 0;
        _checkedSum = false;
        _sharedBytes = shared && !NamesAddress(item, inMemory: false) ? _sharedBytes : 0;
        return true;
    }

    /// <summary>gs:[displacement]: the few fields of the state that blocks use, in the few forms they use them in.</summary>
    private bool CheckState(int i)
    {
        ref ListedInstruction item = ref _listing[i];
        ref readonly HostInstruction own = ref item.Own;
        if (own.Mod != 0 || own.Base >= 0 || own.Index >= 0 || own.Address32 || own.Lock || own.Repeat != 0 || own.Vex)
        {
            return Fail(i, "an operand in the state of no known form");
        }

        int field = own.Displacement;
        switch (own)
        {
            case { Map: 0, Opcode: 0x8B, W: true, Operand16: false } when own.Reg != 4 && IsWord(field):
                if (field == Offsets.Borrowed && !GiveBack(own.Reg))
                {
                    return Fail(i, "a borrowed register given back to another");
                }

                break;
            case { Map: 0, Opcode: 0x89, W: true, Operand16: false } when own.Reg != 4 && IsWord(field):
                if (field == Offsets.Borrowed && !Borrow(own.Reg))
                {
                    return Fail(i, "a register borrowed while another is");
                }

                break;
            case { Map: 0, Opcode: 0x03, Reg: Address, Operand16: false } when own.W == _plan.Mode.Code64 && IsSegmentBase(field):
            case { Map: 0, Opcode: 0x8B, Operand16: false } when own.Reg != 4 && IsReadable(field):
            case { Map: 1, Opcode: 0xB7, W: false, Operand16: false } when own.Reg != 4 && IsSelector(field):
            case { Map: 0, Opcode: 0x8B, W: false, Operand16: true } when own.Reg != 4 && IsSelector(field):
            case { Map: 0, Opcode: 0x89, W: true, Operand16: false, Reg: 10 or 11 } when IsWritableBase(field):
            case { Map: 0, Opcode: 0x80, Reg: 7, Operand16: false } when field == Offsets.InterruptWaits || field == Offsets.DirectionFlag:
            case { Map: 0, Opcode: 0xF6, Reg: 0, Operand16: false } when field == Offsets.Flags || field == Offsets.Flags + 1:
            case { Map: 0, Opcode: 0x89, W: false, Operand16: true, Reg: 0 } when field == Offsets.Flags:
            case { Map: 1, Opcode: 0xB7, W: false, Operand16: false, Reg: 0 } when field == Offsets.Flags:
                break;
            case { Map: 0, Opcode: 0xC6, Reg: 0, Operand16: false } when IsFlagByte(field, _listing.Bytes[item.Offset + own.Length - 1]):
                break;
            default:
                return Fail(i, "a field of the state that blocks do not use so");
        }

        return KeepsAddress(i);
    }

    /// <summary>An instruction that may change r10: not between a check and its access; a shared check ends with it.</summary>
    private bool KeepsAddress(int i)
    {
        if (!NamesAddress(_listing[i], inMemory: true))
        {
            return true;
        }

        _sharedBytes = 0;
        return _checkedBytes == 0 || Fail(i, "r10 between a check and its access");
    }

    /// <summary>Whether r10 is an operand, or with <paramref name="inMemory"/> part of one's address. A vector register of that number is not it.</summary>
    private static bool NamesAddress(in ListedInstruction item, bool inMemory)
    {
        bool names = inMemory && (item.Own.Base == Address || item.Own.Index == Address);
        for (int k = 0; k < item.Iced.OpCount; k++)
        {
            names |= item.Iced.GetOpKind(k) == OpKind.Register && item.Iced.GetOpRegister(k).GetFullRegister() == Register.R10;
        }

        return names;
    }

    private static bool IsWord(int field) =>
        field == Offsets.GprOf(9) || field == Offsets.GprOf(10) || field == Offsets.GprOf(11) || field == Offsets.Temporary || field == Offsets.Borrowed;

    private static bool IsSegmentBase(int field)
    {
        for (int segment = 0; segment < 6; segment++)
        {
            if (field == Offsets.SegmentBase(segment))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Fields that instructions of the guest's mode may read.</summary>
    private bool IsReadable(int field) =>
        (_plan.Relative && field == Offsets.CodeBase) || (_options.InlineSystem && _plan.Mode.Code64
        && ((_plan.Mode.Cpl == 0 && (field == Offsets.Cr0 || field == Offsets.Cr2 || field == Offsets.Cr3 || field == Offsets.Cr4
                || field == Offsets.KernelGsBase || field == Offsets.SegmentBase((int)SegmentIndex.Gs)))
            || (_plan.Mode.FsGsBase && (field == Offsets.SegmentBase((int)SegmentIndex.Fs) || field == Offsets.SegmentBase((int)SegmentIndex.Gs)))));

    /// <summary>The fields that SWAPGS, WRFSBASE and WRGSBASE write.</summary>
    private bool IsWritableBase(int field) =>
        _options.InlineSystem && _plan.Mode.Code64
        && ((_plan.Mode.Cpl == 0 && (field == Offsets.KernelGsBase || field == Offsets.SegmentBase((int)SegmentIndex.Gs)))
            || (_plan.Mode.FsGsBase && (field == Offsets.SegmentBase((int)SegmentIndex.Fs) || field == Offsets.SegmentBase((int)SegmentIndex.Gs))));

    private bool IsSelector(int field)
    {
        for (int segment = 0; segment < 6; segment++)
        {
            if (field == Offsets.SegmentSelector(segment))
            {
                return _options.InlineSystem;
            }
        }

        return false;
    }

    private bool IsFlagByte(int field, byte value) =>
        _options.InlineSystem
        && ((field == Offsets.DirectionFlag && value <= 1) || (field == Offsets.InterruptFlag && value <= 1 && _plan.Mode.InterruptFlagAllowed));

    private bool Borrow(int register)
    {
        bool free = _borrowed < 0;
        _borrowed = register;
        return free;
    }

    private bool GiveBack(int register)
    {
        bool same = _borrowed == register;
        _borrowed = -1;
        return same;
    }
}
