using System.Buffers.Binary;
using Bulkhead.Translator.Emit;
using Bulkhead.Translator.State;

namespace Bulkhead.Translator.Verify;

/// <content>The templates, byte by byte.</content>
/// <remarks>
/// <code>
/// Check        rorx r11d, r10d, 7; and r11d, 16383 * 32; xor r10, gs:[r11 + view + 0 or 8];
///              cmp r10, 4096 - size; ja slow path; add r10, gs:[r11 + view + 16] (or mov r11, for an access by r10 + r11)
/// SlotCheck    xor r10, gs:[slot]; cmp r10, 4096 - size; ja slow path; add r10, gs:[slot + 8] (or mov r11, likewise)
/// WindowCheck  mov r11d, r10d; shr r11d, 12; xor r10, gs:[r11 * 8 + tags]; cmp r10, 4096 - size; ja slow path; then what computed
///              r10 once more, to r11d, and mov r10, gs:[window]; or mov r11d, gs:[r11 * 8 + tags]; add r10, r11; mov r11, gs:[window];
///              add r10, r11 (or nothing, for an access by r10 + r11)
/// LookUp       mov r11d, reason; call the view's look-up thunk
/// SlotExit     push slot; mov r11d, reason; call the slot's miss thunk; jmp after the check
/// MemoryExit   mov r11d, reason; call leave (or the window's miss thunk); jmp after the check
/// Exit         mov r11d, reason; call leave, or a thunk that answers
/// Limit        cmp rsp, gs:[limit]; jb exit; and where instructions are counted
///              mov r11, gs:[count]; cmp r11, gs:[count's exit]; jae exit
/// Count        mov r11, gs:[count]; lea r11, [r11 + instructions]; mov gs:[count], r11
/// Dispatch     cmp rsp, gs:[limit]; jb next; r11 = the target's set; cmp r10, gs:[r11 + view]; jne next; jmp gs:[r11 + view + 8]
/// PageCompare  cmp dword gs:[code TLB slot], id; jne edge
/// Crossing     cmp dword gs:[where SYSCALL or SYSRET was made from], mode; jne next
/// RelativeCompare  mov r11, gs:[base]; lea r11, [r11 + distance]; mov r10d, r11d; shr r10d, 9; and r10d, slots;
///              mov r10, gs:[r10 + code TLB]; sub r10, r11; cmp r10, id; jne edge; mov gs:[base], r11
/// BitNumber    and r11d, bits - 1; mov gs:[temporary], r11
/// BitTest      mov r11, gs:[temporary]; [lock] bt/bts/btr/btc [r10], r11
/// StringSource mov gs:[source], r10; r11 = bytes of RSI's page; mov gs:[temporary], r11
/// StringChunk  r11 = elements of RDI's page, of the source's, at most RCX; the three registers' next values kept;
///              rdi = r10; rsi = gs:[source]; rep stos/movs; the next values back
/// Pad          cmp r10, address (or mov r11, address; cmp r10, r11); jne indirect
///              position-independent: pop gs:[base]; mov r11, gs:[base]; lea r11, [r11 + address]; cmp r10, r11; jne indirect
/// PushBase     push gs:[base]
/// </code>
/// </remarks>
internal sealed partial class BlockVerifier
{
    private const int TlbEntryBytes = 32;
    private const int TlbViewBytes = 16384 * TlbEntryBytes;
    private const int TlbHost = 16;
    private const int CheckXor = 13;
    private const int SlotCheckBytes = 31;
    private const int LimitAndCount = 39;

    private readonly byte[][] _dispatch = [ThunkVerifier.Dispatch(0), ThunkVerifier.Dispatch(1), ThunkVerifier.Dispatch(2)];

    private static ReadOnlySpan<byte> IndexBytes => [0xC4, 0x43, 0x7B, 0xF0, 0xDA, 0x07, 0x41, 0x81, 0xE3, 0xE0, 0xFF, 0x07, 0x00];

    private static ReadOnlySpan<byte> XorBytes => [0x65, 0x4D, 0x33];

    private static ReadOnlySpan<byte> SlotXorBytes => [0x65, 0x4C, 0x33, 0x14, 0x25];

    private static ReadOnlySpan<byte> SlotAddBytes => [0x65, 0x4C, 0x03, 0x14, 0x25];

    private static ReadOnlySpan<byte> CompareBytes => [0x49, 0x81, 0xFA];

    private static ReadOnlySpan<byte> AddBytes => [0x65, 0x4D, 0x03];

    private static ReadOnlySpan<byte> LimitBytes => [0x65, 0x48, 0x3B, 0x24, 0x25];

    /// <summary>mov r11, gs:[].</summary>
    private static ReadOnlySpan<byte> LoadR11Bytes => [0x65, 0x4C, 0x8B, 0x1C, 0x25];

    /// <summary>lea r11, [r11 + 32 bits].</summary>
    private static ReadOnlySpan<byte> AddToR11Bytes => [0x4D, 0x8D, 0x9B];

    private static ReadOnlySpan<byte> StoreR11Bytes => [0x65, 0x4C, 0x89, 0x1C, 0x25];

    private static ReadOnlySpan<byte> CompareCountBytes => [0x65, 0x4C, 0x3B, 0x1C, 0x25];

    private static ReadOnlySpan<byte> PageBytes => [0x65, 0x81, 0x3C, 0x25];

    /// <summary>mov r10d, r11d; shr r10d, 9; and r10d, 32 bits.</summary>
    private static ReadOnlySpan<byte> SlotBytes => [0x45, 0x8B, 0xD3, 0x41, 0xC1, 0xEA, 0x09, 0x41, 0x81, 0xE2];

    /// <summary>mov r10, gs:[r10 + 32 bits].</summary>
    private static ReadOnlySpan<byte> PageIndexedBytes => [0x65, 0x4D, 0x8B, 0x92];

    /// <summary>sub r10, r11; cmp r10, 32 bits.</summary>
    private static ReadOnlySpan<byte> DistanceBytes => [0x4D, 0x2B, 0xD3, 0x49, 0x81, 0xFA];

    private static ReadOnlySpan<byte> TscpBytes => [0x0F, 0x01, 0xF9, 0x65, 0x8B, 0x0C, 0x25];

    private static ReadOnlySpan<byte> TscFirst => [0x48, 0xC1, 0xE2, 0x20, 0x48, 0x0B, 0xC2, 0x65, 0x48, 0x03, 0x04, 0x25];

    private static ReadOnlySpan<byte> TscLast => [0x48, 0x8B, 0xD0, 0x48, 0xC1, 0xEA, 0x20, 0x8B, 0xC0];

    private static ReadOnlySpan<byte> PushBytes => [0x65, 0xFF, 0x34, 0x25];

    private static ReadOnlySpan<byte> PopBytes => [0x65, 0x8F, 0x04, 0x25];

    private static ReadOnlySpan<byte> SaveRsiBytes => [0x65, 0x48, 0x89, 0x34, 0x25];

    private static ReadOnlySpan<byte> RsiFromR10Bytes => [0x49, 0x8B, 0xF2];

    private static ReadOnlySpan<byte> LoadRsiBytes => [0x65, 0x48, 0x8B, 0x34, 0x25];

    private int Int32At(int offset) => BinaryPrimitives.ReadInt32LittleEndian(_listing.Bytes[offset..]);

    private bool Has(int offset, ReadOnlySpan<byte> bytes) => offset <= _listing.Length && _listing.Bytes[offset..].StartsWith(bytes);

    private bool HasInt32(int offset, ReadOnlySpan<byte> bytes, int value) =>
        Has(offset, bytes) && offset + bytes.Length + 4 <= _listing.Length && Int32At(offset + bytes.Length) == value;

    /// <summary>The template that starts at an offset.</summary>
    private Template Match(int at, out int length)
    {
        if (!_plan.Transient && IsCheck(at))
        {
            length = CheckBytes;
            return Template.Check;
        }

        if (!_plan.Transient && _options.PageSlots && Has(at, SlotXorBytes) && Has(at + 9, CompareBytes) && Has(at + 16, [0x0F, 0x87])
            && (Has(at + 22, SlotAddBytes) || IsSum(at)) && at + SlotCheckBytes <= _listing.Length)
        {
            length = SlotCheckBytes;
            return Template.SlotCheck;
        }

        if (_plan.Windowed && TryWindowCheck(at, out length, out _))
        {
            return Template.WindowCheck;
        }

        if (Has(at, [0x68]) && Has(at + 5, [0x41, 0xBB, (byte)ExitCode.Memory]) && Has(at + 11, [0xE8]) && Has(at + 16, [0xE9]) && at + 21 <= _listing.Length)
        {
            length = 21;
            return Template.SlotExit;
        }

        if (_plan.Transient && IsAsk(at))
        {
            length = 5;
            return Template.Ask;
        }

        if (_options.SharedChecks && !_plan.Transient && !_plan.Windowed && Has(at, [0x41, 0xBB, (byte)ExitCode.Memory]) && Has(at + 6, [0xE8])
            && at + 11 <= _listing.Length && _thunks.LookUp.Contains(AddressOf((long)at + 11 + Int32At(at + 7))))
        {
            length = 11;
            return Template.LookUp;
        }

        if (IsExit(at))
        {
            bool memory = _listing.Bytes[at + 2] == (byte)ExitCode.Memory;
            length = memory ? 16 : 11;
            return memory ? Template.MemoryExit : Template.Exit;
        }

        if (!_plan.Transient && _options.JumpCache && !_options.CountInstructions && Has(at, _dispatch[_plan.Mode.View]))
        {
            length = _dispatch[_plan.Mode.View].Length;
            return Template.Dispatch;
        }

        if (IsLimit(at))
        {
            length = _options.CountInstructions ? LimitAndCount : 15;
            bool returns = Has(at + length, [0xC3]);
            length += returns ? 1 : 0;
            return returns ? Template.Return : Template.Limit;
        }

        if (at == 0 && _options.CountInstructions && HasInt32(0, LoadR11Bytes, Offsets.Count) && HasInt32(9, AddToR11Bytes, _plan.Count)
            && HasInt32(16, StoreR11Bytes, Offsets.Count))
        {
            length = 25;
            return Template.Count;
        }

        if (Has(at, PageBytes) && Has(at + 12, [0x0F, 0x85]) && at + 18 <= _listing.Length)
        {
            length = 18;
            int field = Int32At(at + 4);
            return field == BlockEmitter.FromOf(true, _plan.Mode) || field == BlockEmitter.FromOf(false, _plan.Mode) ? Template.Crossing : Template.PageCompare;
        }

        if (_plan.Relative && HasInt32(at, LoadR11Bytes, Offsets.CodeBase) && Has(at + 9, AddToR11Bytes) && HasInt32(at + 16, SlotBytes, 0x7FF8)
            && HasInt32(at + 30, PageIndexedBytes, Offsets.CodeTlb) && Has(at + 38, DistanceBytes) && Has(at + 48, [0x0F, 0x85])
            && HasInt32(at + 54, StoreR11Bytes, Offsets.CodeBase))
        {
            length = 63;
            return Template.RelativeCompare;
        }

        if (_options.InlineSystem && MatchString(at, out length) is not Template.None and var template)
        {
            return template;
        }

        if (HasInt32(at, PushBytes, Offsets.CodeBase))
        {
            length = 8;
            return Template.PushBase;
        }

        if (TryPad(at, out length, out _))
        {
            return Template.Pad;
        }

        int tsc = HasInt32(at, TscpBytes, Offsets.TscAux) ? at + 11 : Has(at, [0x0F, 0x31]) ? at + 2 : -1;
        if (tsc >= 0 && HasInt32(tsc, TscFirst, Offsets.TscOffset) && Has(tsc + 16, TscLast))
        {
            length = tsc + 16 + TscLast.Length - at;
            return Template.Tsc;
        }

        if (HasInt32(at, SaveRsiBytes, Offsets.Borrowed) && Has(at + 9, RsiFromR10Bytes))
        {
            int access = _listing.At(at + 12);
            int end = access < 0 ? at : _listing[access].Offset + _listing[access].Own.Length;
            if (access >= 0 && HasInt32(end, LoadRsiBytes, Offsets.Borrowed))
            {
                length = end + 9 - at;
                return Template.HighByte;
            }
        }

        length = 0;
        return Template.None;
    }

    private bool IsCheck(int at) =>
        at + CheckBytes <= _listing.Length && Has(at, IndexBytes) && IsTlbOperand(at + CheckXor, XorBytes) && Has(at + CheckCompare, CompareBytes)
        && Has(at + CheckCompare + 7, [0x0F, 0x87]) && (IsTlbOperand(at + CheckAdd, AddBytes) || IsSum(at));

    /// <summary>Whether a check leaves the offset in r10 and the page in r11, instead of their sum in r10.</summary>
    private bool IsSum(int at) =>
        _plan.Windowed && TryWindowCheck(at, out _, out bool sum) ? sum : Has(at, SlotXorBytes) ? Has(at + 22, LoadR11Bytes) : Has(at + CheckAdd, [0x65, 0x4D, 0x8B, (byte)(_plan.Mode.View == 0 ? 0x5B : 0x9B)]);

    private const int WindowHead = 29;

    /// <summary>The first instruction behind the branch of a window's check, where the address is computed once more; or -1.</summary>
    private int WindowAgain(int at) => Has(at + WindowHead, [0x65, 0x46, 0x8B, 0x1C, 0xDD]) ? -1 : _listing.At(at + WindowHead);

    private bool TryWindowCheck(int at, out int length, out bool sum)
    {
        (length, sum) = (0, false);
        if (!Has(at, [0x45, 0x8B, 0xDA, 0x41, 0xC1, 0xEB, 0x0C, 0x65, 0x4E, 0x33, 0x14, 0xDD]) || !Has(at + 16, CompareBytes) || !Has(at + 23, [0x0F, 0x87])
            || at + WindowHead + 9 > _listing.Length)
        {
            return false;
        }

        int end = at + WindowHead;
        int again = WindowAgain(at);
        if (again >= 0)
        {
            end += _listing[again].Own.Length;
            if (!HasInt32(end, [0x65, 0x4C, 0x8B, 0x14, 0x25], Offsets.Window))
            {
                return false;
            }

            end += 9;
        }
        else
        {
            if (!Has(end + 9, [0x4D, 0x03, 0xD3]) || !HasInt32(end + 12, LoadR11Bytes, Offsets.Window))
            {
                return false;
            }

            end += 21;
        }

        sum = !Has(end, [0x4D, 0x03, 0xD3]);
        length = end + (sum ? 0 : 3) - at;
        return true;
    }

    // User code's checks name a field of an entry in one byte, the other views' in four.
    private int TlbOperandBytes => _plan.Mode.View == 0 ? 5 : 8;

    private int CheckCompare => CheckXor + TlbOperandBytes;

    private int CheckAdd => CheckCompare + 13;

    private int CheckBytes => CheckAdd + TlbOperandBytes;

    /// <summary>An instruction on r10 with an operand at gs:[r11 + field].</summary>
    private bool IsTlbOperand(int at, ReadOnlySpan<byte> instruction) =>
        Has(at, instruction) && _listing.Bytes[at + 3] == (_plan.Mode.View == 0 ? 0x53 : 0x93);

    private int TlbFieldAt(int at) => _plan.Mode.View == 0 ? (sbyte)_listing.Bytes[at + 4] : Int32At(at + 4);

    /// <summary>In a transient block: a JMP whose way leads, without a branch, to a slow path that comes back right after it.</summary>
    private bool IsAsk(int at)
    {
        if (!Has(at, [0xE9]) || at + 5 > _listing.Length || !TryInside((long)at + 5 + Int32At(at + 1), out int offset))
        {
            return false;
        }

        for (int i = _listing.At(offset); i >= 0 && i < _listing.Count; i++)
        {
            ref ListedInstruction item = ref _listing[i];
            if (IsExit(item.Offset))
            {
                return _listing.Bytes[item.Offset + 2] == (byte)ExitCode.Memory
                    && item.Offset + 16 + Int32At(item.Offset + 12) == at + 5;
            }

            if (IsRelative(item.Own))
            {
                return false;
            }
        }

        return false;
    }

    private bool IsLimit(int at) =>
        HasInt32(at, LimitBytes, Offsets.Limit) && Has(at + 9, [0x0F, 0x82]) && at + 15 <= _listing.Length
        && (!_options.CountInstructions
            || (HasInt32(at + 15, LoadR11Bytes, Offsets.Count) && HasInt32(at + 24, CompareCountBytes, Offsets.CountExit)
                && Has(at + 33, [0x0F, 0x83]) && at + LimitAndCount <= _listing.Length));

    /// <summary>mov r11d, reason; call leave; and after the reason "memory", a JMP.</summary>
    private bool IsExit(int at)
    {
        if (!Has(at, [0x41, 0xBB]) || !Has(at + 6, [0xE8]) || at + 11 > _listing.Length)
        {
            return false;
        }

        ulong to = AddressOf((long)at + 11 + Int32At(at + 7));
        return _listing.Bytes[at + 2] == (byte)ExitCode.Memory
            ? (to == _thunks.Leave || _thunks.WindowMiss.Contains(to)) && Has(at + 11, [0xE9]) && at + 16 <= _listing.Length
            : to == _thunks.Leave || to == _thunks.LeaveSavingFlags || to == _thunks.Cpuid || to == _thunks.WriteMsr;
    }

    private bool TryPad(int at, out int length, out ulong value)
    {
        value = 0;
        length = 0;
        int jump;
        if (_plan.Relative)
        {
            if (!HasInt32(at, PopBytes, Offsets.CodeBase) || !HasInt32(at + 8, LoadR11Bytes, Offsets.CodeBase))
            {
                return false;
            }

            int lea = at + 17;
            if (Has(lea, [0x4D, 0x8D, 0x5B]) && lea + 4 <= _listing.Length)
            {
                value = (ulong)(sbyte)_listing.Bytes[lea + 3];
                jump = lea + 4;
            }
            else if (Has(lea, AddToR11Bytes) && lea + 7 <= _listing.Length)
            {
                value = (ulong)Int32At(lea + 3);
                jump = lea + 7;
            }
            else
            {
                return false;
            }

            if (!Has(jump, [0x4D, 0x3B, 0xD3]))
            {
                return false;
            }

            jump += 3;
        }
        else if (Has(at, [0x49, 0x83, 0xFA]) && at + 4 <= _listing.Length)
        {
            value = (ulong)(sbyte)_listing.Bytes[at + 3];
            jump = at + 4;
        }
        else if (Has(at, CompareBytes) && at + 7 <= _listing.Length)
        {
            value = (ulong)Int32At(at + 3);
            jump = at + 7;
        }
        else if (TryConstant(at, 11, out int bytes, out value) && Has(at + bytes, [0x4D, 0x3B, 0xD3]))
        {
            jump = at + bytes + 3;
        }
        else
        {
            return false;
        }

        if (!Has(jump, [0x0F, 0x85]) || jump + 6 > _listing.Length
            || AddressOf((long)jump + 6 + Int32At(jump + 2)) != _thunks.Indirect[_plan.Mode.View])
        {
            return false;
        }

        length = jump + 6 - at;
        return true;
    }

    /// <summary>A constant moved to r8-r15 in one of the forms the emitter chooses from.</summary>
    private bool TryConstant(int at, int register, out int length, out ulong value)
    {
        byte low = (byte)(register & 7);
        length = 0;
        value = 0;
        if (Has(at, [0x41, (byte)(0xB8 | low)]) && at + 6 <= _listing.Length)
        {
            length = 6;
            value = (uint)Int32At(at + 2);
        }
        else if (Has(at, [0x49, 0xC7, (byte)(0xC0 | low)]) && at + 7 <= _listing.Length)
        {
            length = 7;
            value = (ulong)Int32At(at + 3);
        }
        else if (Has(at, [0x49, (byte)(0xB8 | low)]) && at + 10 <= _listing.Length)
        {
            length = 10;
            value = BinaryPrimitives.ReadUInt64LittleEndian(_listing.Bytes[(at + 2)..]);
        }

        return length != 0;
    }
}
