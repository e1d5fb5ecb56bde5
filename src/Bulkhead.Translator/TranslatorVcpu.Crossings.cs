using Bulkhead.Translator.Decode;
using Bulkhead.Translator.State;
using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator;

/// <content>
/// SYSCALL and SYSRET. The interpreter makes one and notes what it did; from then on emitted code does the same, where it comes from the same
/// mode. What it depends on beyond that mode is forgotten with it: registers that were written, jump tables that are of another mode.
/// </content>
internal sealed unsafe partial class TranslatorVcpu
{
    private const uint FirstSyscallMsr = 0xC000_0080, LastSyscallMsr = 0xC000_0084; // EFER to SFMASK

    /// <summary>An instruction was interpreted.</summary>
    private void NoteCrossing(in Instruction instruction, ModeWord from)
    {
        ref Registers r = ref _state->Registers;
        switch (instruction.Mnemonic)
        {
            case Mnemonic.Syscall when from.User64 && _mode is { Code64: true, Cpl: 0, Alone: false }
                && (_mode.View == 1 || !_mode.ViewFollowsAc) && (!_mode.ViewFollowsAc || (r.Sfmask & Rflags.AC) != 0):
                ulong keep = ~(r.Sfmask | Rflags.RF) | Rflags.Fixed;
                _state->SyscallTarget = r.Lstar;
                _state->SyscallRflags = keep;
                _state->SyscallFlags = StatusOf(keep);
                _state->SyscallEvents = 0xFFFF_0000 | ((uint)(keep >> 9) & 1) | (((uint)(keep >> 10) & 1) << 8);
                Note(ref _state->Syscall, from);
                break;
            case Mnemonic.Sysretq when from is { Code64: true, Cpl: 0 } && _mode is { User64: true, Alone: false, InterruptFlagAllowed: false }:
                Note(ref _state->Sysret, from);
                break;
            case Mnemonic.Wrmsr when (uint)r.Gpr[1] is >= FirstSyscallMsr and <= LastSyscallMsr:
            case Mnemonic.Mov when instruction.Op0Register == Register.CR4: // TSD is of the user's mode alone
                ForgetCrossings();
                break;
        }
    }

    private void Note(ref VcpuState.Crossing crossing, ModeWord from)
    {
        ref Registers r = ref _state->Registers;
        crossing = new VcpuState.Crossing
        {
            From = from.Windowed ? crossing.From : from.Value,
            FromWindowed = from.Windowed ? from.Value : crossing.FromWindowed,
            To = _mode.Value,
            Cs = r.Segments[(int)SegmentIndex.Cs],
            Ss = r.Segments[(int)SegmentIndex.Ss],
        };
    }

    private void ForgetCrossings()
    {
        for (int view = 0; view < VcpuState.Views; view++)
        {
            ForgetCrossingTo(view);
        }
    }

    private void ForgetCrossingTo(int view)
    {
        ref VcpuState.Crossing crossing = ref view == 0 ? ref _state->Sysret : ref _state->Syscall;
        crossing.From = crossing.FromWindowed = VcpuState.Crossing.None;
    }

    /// <summary>Another address space: it may have a window where the last had none.</summary>
    private void AdjustSysret()
    {
        if (Tlb.Windows is not { } windows || _state->Sysret.From == VcpuState.Crossing.None)
        {
            return;
        }

        ModeWord to = new ModeWord(_state->Sysret.To).WithWindow(windows.HasWindow());
        if (to.Value != _state->Sysret.To)
        {
            ClearJumps(to.View);
            _jumpMode[to.View] = to;
            _state->Sysret.To = to.Value;
        }
    }
}
