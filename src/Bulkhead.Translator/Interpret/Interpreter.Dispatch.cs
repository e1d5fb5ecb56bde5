using Bulkhead.X86.Engine;
using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator.Interpret;

internal sealed unsafe partial class Interpreter
{
    private InterpretResult Dispatch(in Instruction instruction)
    {
        if (Virtual8086)
        {
            return Refuse("virtual-8086 mode");
        }

        return instruction.Mnemonic switch
        {
            Mnemonic.Mov => Move(in instruction),
            Mnemonic.Push => instruction.Op0Kind == OpKind.Register && IsSegment(instruction.Op0Register)
                ? PushSegment(in instruction) : ExecuteFootprint(in instruction),
            Mnemonic.Pop => instruction.Op0Kind == OpKind.Register && IsSegment(instruction.Op0Register)
                ? PopSegment(in instruction) : ExecuteFootprint(in instruction),
            Mnemonic.Lds or Mnemonic.Les or Mnemonic.Lfs or Mnemonic.Lgs or Mnemonic.Lss => LoadFarPointer(in instruction),
            Mnemonic.Jmp => Jump(in instruction),
            Mnemonic.Call => Call(in instruction),
            Mnemonic.Ret => NearReturn(in instruction),
            Mnemonic.Retf => FarReturn(in instruction),
            Mnemonic.Iret or Mnemonic.Iretd or Mnemonic.Iretq => InterruptReturn(in instruction),
            Mnemonic.Int => SoftwareInterrupt(in instruction, instruction.Immediate8, InterruptKind.Software),
            Mnemonic.Int3 => SoftwareInterrupt(in instruction, GuestFault.Breakpoint, InterruptKind.Software),
            Mnemonic.Int1 => SoftwareInterrupt(in instruction, GuestFault.Debug, InterruptKind.Exception),
            Mnemonic.Into => Into(in instruction),
            Mnemonic.Syscall => Syscall(in instruction),
            Mnemonic.Sysret or Mnemonic.Sysretq => Sysret(instruction.Code == Code.Sysretq),
            Mnemonic.Sysenter => Sysenter(),
            Mnemonic.Sysexit or Mnemonic.Sysexitq => Sysexit(instruction.Code == Code.Sysexitq),
            Mnemonic.Swapgs => Swapgs(in instruction),
            Mnemonic.Rdfsbase => ReadBase(in instruction, SegmentIndex.Fs),
            Mnemonic.Rdgsbase => ReadBase(in instruction, SegmentIndex.Gs),
            Mnemonic.Wrfsbase => WriteBase(in instruction, SegmentIndex.Fs),
            Mnemonic.Wrgsbase => WriteBase(in instruction, SegmentIndex.Gs),
            Mnemonic.Cli or Mnemonic.Sti => InterruptFlag(in instruction, instruction.Mnemonic == Mnemonic.Sti),
            Mnemonic.Cld or Mnemonic.Std => DirectionFlag(in instruction, instruction.Mnemonic == Mnemonic.Std),
            Mnemonic.Clac or Mnemonic.Stac => AccessFlag(in instruction, instruction.Mnemonic == Mnemonic.Stac),
            Mnemonic.Pushf or Mnemonic.Pushfd or Mnemonic.Pushfq => PushFlags(in instruction),
            Mnemonic.Popf or Mnemonic.Popfd or Mnemonic.Popfq => PopFlags(in instruction),
            Mnemonic.In => In(in instruction),
            Mnemonic.Out => Out(in instruction),
            Mnemonic.Cpuid => Cpuid(in instruction),
            Mnemonic.Rdmsr => ReadMsr(in instruction),
            Mnemonic.Wrmsr => WriteMsr(in instruction),
            Mnemonic.Rdtsc or Mnemonic.Rdtscp => ReadTsc(in instruction, instruction.Mnemonic == Mnemonic.Rdtscp),
            Mnemonic.Rdpid => ReadPid(in instruction),
            Mnemonic.Rdpmc => ReadPmc(),
            Mnemonic.Xgetbv => Xgetbv(in instruction),
            Mnemonic.Xsetbv => Xsetbv(in instruction),
            Mnemonic.Hlt => Halt(in instruction),
            Mnemonic.Serialize => Serialize(in instruction),
            Mnemonic.Pause => Pause(in instruction),
            Mnemonic.Wbinvd or Mnemonic.Wbnoinvd => Privileged() ? CountedNop(in instruction, ExitReason.Wbinvd) : FailGp(),
            Mnemonic.Invd => Privileged() ? CountedNop(in instruction, ExitReason.Invd) : FailGp(),
            Mnemonic.Invlpg => InvalidatePage(in instruction),
            Mnemonic.Invpcid => InvalidatePcid(in instruction),
            Mnemonic.Clts => ClearTaskSwitched(in instruction),
            Mnemonic.Lmsw => LoadMachineStatus(in instruction),
            Mnemonic.Smsw => StoreMachineStatus(in instruction),
            Mnemonic.Lgdt or Mnemonic.Lidt => LoadTable(in instruction, instruction.Mnemonic == Mnemonic.Lidt),
            Mnemonic.Sgdt or Mnemonic.Sidt => StoreTable(in instruction, instruction.Mnemonic == Mnemonic.Sidt),
            Mnemonic.Lldt => LoadLdt(in instruction),
            Mnemonic.Ltr => LoadTask(in instruction),
            Mnemonic.Sldt => StoreSelector(in instruction, SegmentIndex.Ldtr),
            Mnemonic.Str => StoreSelector(in instruction, SegmentIndex.Tr),
            Mnemonic.Lar => LoadRights(in instruction),
            Mnemonic.Lsl => LoadLimit(in instruction),
            Mnemonic.Verr or Mnemonic.Verw => Verify(in instruction, instruction.Mnemonic == Mnemonic.Verw),
            Mnemonic.Arpl => AdjustRpl(in instruction),
            _ => ExecuteFootprint(in instruction),
        };
    }

    private InterpretResult Move(in Instruction instruction)
    {
        if (instruction.Op0Kind == OpKind.Register)
        {
            Register target = instruction.Op0Register;
            if (IsSegment(target))
            {
                return MoveToSegment(in instruction);
            }

            if (target.IsCR())
            {
                return WriteControl(in instruction, target - Register.CR0, ReadRegister(instruction.Op1Register));
            }

            if (target.IsDR())
            {
                return WriteDebug(in instruction, target - Register.DR0, ReadRegister(instruction.Op1Register));
            }
        }

        if (instruction.Op1Kind == OpKind.Register)
        {
            Register source = instruction.Op1Register;
            if (IsSegment(source))
            {
                return MoveFromSegment(in instruction);
            }

            if (source.IsCR())
            {
                return ReadControl(in instruction, source - Register.CR0);
            }

            if (source.IsDR())
            {
                return ReadDebug(in instruction, source - Register.DR0);
            }
        }

        return ExecuteFootprint(in instruction);
    }

    private static bool IsSegment(Register register) => register is >= Register.ES and <= Register.GS;

    /// <summary>Whether the code may execute privileged instructions.</summary>
    private bool Privileged() => _r->Cpl == 0;

    private InterpretResult Serialize(in Instruction instruction)
    {
        Interlocked.MemoryBarrier();
        return Next(in instruction);
    }

    private InterpretResult CountedNop(in Instruction instruction, ExitReason reason)
    {
        _exits.Add(reason);
        return Next(in instruction);
    }
}
