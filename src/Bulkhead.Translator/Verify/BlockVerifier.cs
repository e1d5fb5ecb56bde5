using Bulkhead.Translator.Emit;
using Bulkhead.Translator.State;
using Iced.Intel;

namespace Bulkhead.Translator.Verify;

/// <summary>Proves of a freshly emitted block that it keeps to the rules every block must keep.</summary>
/// <remarks>
/// <para>Four steps: take the bytes apart with two decoders; find the templates, whose bytes stand here a second time; mark
/// what branches enter; go through the code forward, keeping what is known (a host address in r10, a limit or a page id
/// compared) and forgetting it wherever somebody may enter.</para>
/// <para>It knows nothing of how the emitter works; what it shares with it is the state's offsets, the thunks' addresses, the
/// instruction table and the plan, which says mode, RIP and where the guest goes on.</para>
/// <para><i>Threading</i>: under the code space's lock. <i>Cost</i>: about that of translation once more, and garbage.</para>
/// </remarks>
internal sealed partial class BlockVerifier(ThunkPlaces thunks, ICodeMap map, EngineOptions options)
{
    private readonly ThunkPlaces _thunks = thunks;
    private readonly ICodeMap _map = map;
    private readonly EngineOptions _options = options;
    private readonly Listing _listing = new();
    private readonly InstructionInfoFactory _facts = new();
    private BlockPlan _plan = new(1);
    private ulong _address;
    private int _viewTable;
    private Violation? _violation;

    /// <summary>Verifies a block that executes at <paramref name="address"/>.</summary>
    /// <returns>Null, or the first rule that it breaks.</returns>
    internal Violation? Verify(BlockPlan plan, ReadOnlySpan<byte> code, ulong address)
    {
        _plan = plan;
        _address = address;
        _viewTable = Offsets.Tlb + (plan.Mode.View * TlbViewBytes);
        _violation = null;
        if (!_listing.TryRead(code, out int offset, out string rule))
        {
            int length = Math.Min(15, code.Length - offset);
            return new Violation(plan.Rip, offset, Convert.ToHexString(code.Slice(offset, length)), rule);
        }

        if (_listing.Count == 0)
        {
            return new Violation(plan.Rip, 0, "", "no code");
        }

        _ = FindTemplates() && MarkEntries() && CheckFlow();
        return _violation;
    }

    /// <summary>The last instruction of the guest's block.</summary>
    private ref readonly Instruction Last => ref _plan.Instructions[_plan.Count - 1];

    /// <summary>Notes the first violation; false.</summary>
    private bool Fail(int index, string rule)
    {
        ref ListedInstruction first = ref _listing[index];
        ref ListedInstruction last = ref _listing[Math.Min(index + first.Items, _listing.Count) - 1];
        ReadOnlySpan<byte> bytes = _listing.Bytes[first.Offset..(last.Offset + last.Own.Length)];
        _violation ??= new Violation(_plan.Rip, first.Offset, Convert.ToHexString(bytes), rule);
        return false;
    }

    private bool FindTemplates()
    {
        for (int i = 0; i < _listing.Count;)
        {
            ref ListedInstruction item = ref _listing[i];
            item.Template = Match(item.Offset, out int length);
            int next = i + 1;
            if (item.Template != Template.None)
            {
                int end = item.Offset + length;
                for (; next < _listing.Count && _listing[next].Offset < end; next++)
                {
                    _listing[next].Inside = true;
                }

                item.Items = next - i;
                if (_listing[next - 1].Offset + _listing[next - 1].Own.Length != end)
                {
                    return Fail(i, "an instruction runs over the end of a template");
                }
            }

            i = next;
        }

        return true;
    }

    /// <summary>Marks what branches inside the block enter; nothing enters instructions or templates in their middle.</summary>
    private bool MarkEntries()
    {
        for (int i = 0; i < _listing.Count; i++)
        {
            ref ListedInstruction item = ref _listing[i];
            if (!IsRelative(item.Own) || !TryInside(TargetOf(item), out int offset))
            {
                continue;
            }

            int target = offset < _listing.Length ? _listing.At(offset) : -1;
            if (target < 0 || _listing[target].Inside)
            {
                return Fail(i, "a branch to no place where code may be entered");
            }

            // What the slow path of a check comes back to is not an entry: CheckSlowPath proves it comes with an address.
            if (!(i >= 2 && _listing[i - 2].Template == Template.MemoryExit) && !(i >= 3 && _listing[i - 3].Template == Template.SlotExit))
            {
                _listing[target].Entries++;
            }
        }

        return true;
    }

    /// <summary>JMP, Jcc, CALL with a 32-bit displacement, JRCXZ and its like with an 8-bit one.</summary>
    private static bool IsRelative(in HostInstruction own) =>
        (own.Map == 0 && (own.Opcode is 0xE8 or 0xE9 or 0xEB || own.Opcode is >= 0xE0 and <= 0xE3 or >= 0x70 and <= 0x7F))
        || (own.Map == 1 && !own.Vex && own.Opcode is >= 0x80 and <= 0x8F);

    /// <summary>Where a relative branch goes, as an offset in the block (which may lie outside it).</summary>
    private long TargetOf(in ListedInstruction item)
    {
        int end = item.Offset + item.Own.Length;
        return end + (item.Own.ImmediateBytes == 1 ? (sbyte)_listing.Bytes[end - 1] : Int32At(end - 4));
    }

    private bool TryInside(long target, out int offset)
    {
        offset = (int)target;
        return target >= 0 && target < _listing.Length;
    }

    private ulong AddressOf(long target) => _address + (ulong)target;

    private bool IsBlockTarget(in ListedInstruction branch, out int index)
    {
        index = TryInside(TargetOf(branch), out int offset) ? _listing.At(offset) : -1;
        return index >= 0;
    }

    private bool GoesTo(in ListedInstruction branch, ulong place) => AddressOf(TargetOf(branch)) == place;
}
