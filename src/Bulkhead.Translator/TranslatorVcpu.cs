using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Bulkhead.Core.Memory;
using Bulkhead.Host.Memory;
using Bulkhead.Host.Processor;
using Bulkhead.Translator.Cache;
using Bulkhead.Translator.Decode;
using Bulkhead.Translator.Emit;
using Bulkhead.Translator.Interpret;
using Bulkhead.Translator.Memory;
using Bulkhead.Translator.State;
using Bulkhead.Translator.Verify;
using Bulkhead.X86.Cpuid;
using Bulkhead.X86.Engine;
using Bulkhead.X86.State;

namespace Bulkhead.Translator;

/// <summary>A virtual processor by binary translation.</summary>
/// <remarks>
/// <para>A loop of three steps: look (interrupts, kicks, resets), find the block at RIP, run until translated code leaves.
/// Code that leaves in the middle of an instruction to have an address translated is entered again where it left.</para>
/// <para><i>Threading</i>: <see cref="Run"/> on one thread at a time; signals from any.</para>
/// </remarks>
internal sealed unsafe partial class TranslatorVcpu : ICountingVcpu, ITlbControl, IFpuState
{
    /// <summary>More instructions than there can be between two checks of emitted code: checks come at backward jumps and when the
    /// region is left that the last one led to; the last block may begin at its end, and another is counted before it is checked.</summary>
    private const ulong CountMargin = (1 << BlockEmitter.CountedRegion) + (2 * 64);

    private const int ReturnStackBytes = 96 << 10;

    /// <summary>In <see cref="_start"/>: an INIT came; behind it, if any, a SIPI, whose vector is in the low byte.</summary>
    private const int StartInit = 0x200, StartSipi = 0x100;

    /// <summary>Room below the limit for signal frames.</summary>
    private const int ReturnStackHeadroom = 40 << 10;

    private readonly CodeSpace _space;
    private readonly GuestMemory _memory;
    private readonly EngineOptions _options;
    private readonly PrivateMemory _stateMemory;
    private readonly PrivateMemory _returnStack;
    private readonly VcpuState* _state;
    private readonly Interpreter _interpreter;
    private readonly BlockReader _reader;
    private readonly ulong _normalLimit;
    private readonly ulong _returnBase;
    private readonly byte* _strip;
    private readonly int _number;
    private readonly delegate* unmanaged<void> _enter;
    private readonly BlockLog? _log;
    private GCHandle<TranslatorVcpu> _handle;
    private readonly CpuidPolicy _cpuid;
    private ICpuIo _io = NoIo.Instance;
    private ModeWord _mode;
    private int _generation;
    private int _forget;
    private int _flush;
    private int _nmi;
    private int _start;
    private ulong _instructionLimit = ulong.MaxValue;
    private int _ahead;

    internal TranslatorVcpu(CodeSpace space, CpuidPolicy cpuid, EngineOptions options)
    {
        _space = space;
        _memory = space.Memory;
        _options = options;
        _stateMemory = new PrivateMemory((ulong)sizeof(VcpuState));
        _state = (VcpuState*)_stateMemory.Pointer;
        _cpuid = cpuid;
        _reader = new BlockReader(cpuid.Offers);
        _state->HostMxcsr = 0x1F80;
        _returnStack = new PrivateMemory(ReturnStackBytes);
        _returnBase = (ulong)_returnStack.Pointer + ReturnStackBytes - 64;
        _normalLimit = (ulong)_returnStack.Pointer + ReturnStackHeadroom;
        _state->Limit = _normalLimit;
        _state->CountExit = ulong.MaxValue;
        Tlb = new SoftTlb(_state, space.Memory, options.PageWindows, space.Mappings);
        _interpreter = new Interpreter(&_state->Registers, _memory, this, this, Exits, cpuid);
        _enter = (delegate* unmanaged<void>)space.Thunks.Enter;
        _handle = new GCHandle<TranslatorVcpu>(this);
        (_state->Vcpu, _state->Answer) = (GCHandle<TranslatorVcpu>.ToIntPtr(_handle), (ulong)(delegate* unmanaged<nint, int>)&AnswerInPlace);
        _spaces = options is { ParkedSpaces: true, CountInstructions: false } ? new ParkedSpaces() : null;
        _number = space.VcpuCount;
        _strip = space.TakeStrip(_number);
        if (options.BlockLogPath is { } path)
        {
            _log = new BlockLog($"{path}.{_number}", options.BlockLogRegisters);
        }

        if (options.Sample)
        {
            _sampleMemory = new PrivateMemory(SampleRing.Bytes);
            _state->Samples = (ulong)_sampleMemory.Pointer;
            Profile = new VcpuProfile();
        }

        for (int view = 0; view < VcpuState.Views; view++)
        {
            ClearJumpSet(view, 0);
        }

        space.Join(this);
        Reset();
    }

    /// <inheritdoc/>
    public ref Registers Registers => ref _state->Registers;

    /// <inheritdoc/>
    public ExitCounters Exits { get; } = new();

    /// <inheritdoc/>
    public string? StopDetail { get; private set; }

    /// <inheritdoc/>
    public long EnteredNs { get; private set; }

    /// <inheritdoc/>
    public long LeftNs { get; private set; }

    /// <inheritdoc/>
    public long EndAskedNs { get; private set; }

    /// <inheritdoc/>
    public ulong Instructions => _state->Count - (uint)_ahead;

    /// <inheritdoc/>
    public ulong InstructionLimit
    {
        get => _instructionLimit;
        set
        {
            _instructionLimit = value;
            _state->CountExit = value == ulong.MaxValue ? value : value > CountMargin ? value - CountMargin : 0;
        }
    }

    /// <summary>The data TLB.</summary>
    internal SoftTlb Tlb { get; }

    /// <summary>The state, for tests.</summary>
    internal VcpuState* State => _state;

    /// <summary>Checks the data TLB against the RAM map; null, or what is wrong. While the vCPU does not run.</summary>
    internal string? VerifyTlb()
    {
        lock (_space.Lock)
        {
            Tlb.ClearStaleSlots();
            return TlbVerifier.Verify(_state, _memory, IsCode, host => Tlb.Windows?.PageAt(host) ?? -1) ?? Tlb.Windows?.Verify(IsCode);
        }

        bool IsCode(int page) => _space.IsCode(page) != 0;
    }

    /// <inheritdoc/>
    public nint TurnCell => (nint)(&_state->Limit);

    /// <inheritdoc/>
    public void Reset()
    {
        PowerUp.Reset(ref _state->Registers, _cpuid.Signature);
        (_start, _nmi) = (0, 0);
        _ = Breakpoints.Take();
        _interpreter.Msrs.Reset();
        FlushAll();
        ReloadMode();
        SplitFlags();
    }

    /// <inheritdoc/>
    public StopReason Run(ICpuIo io, long untilNs)
    {
        _io = Profile is null ? io : new SampledIo(io, _state);
        _interpreter.Io = _io;
        (EnteredNs, LeftNs, EndAskedNs) = (0, 0, 0);
        Now(VcpuActivity.Dispatch);
        try
        {
            ThreadProcessorState.SetGsBase(_state);
            LoadX87();
            // The registers are the caller's between runs: it may have changed anything.
            SplitFlags();
            ReloadMode();
            ForgetCrossings();
            StopReason reason = Loop(untilNs);
            if (_options.Verify && VerifyTlb() is { } wrong)
            {
                throw new System.Diagnostics.UnreachableException(wrong);
            }

            return reason;
        }
#pragma warning disable CA1031 // The vCPU loop catches last: a bug of ours stops this domain, not the process.
        catch (Exception e)
#pragma warning restore CA1031
        {
            StopDetail = $"{e.GetType().Name}: {e.Message} at rip {_state->Registers.Rip:x} {e.StackTrace}";
            return StopReason.EngineError;
        }
        finally
        {
            TakeSamples();
            EndRefusals();
            JoinFlags();
            SaveX87();
            ((delegate* unmanaged<void>)_space.Thunks.ResetX87)();

            // Whoever asked for the turn's end while it was ending has it. Kept, it would end the next turn before its first
            // instruction; and where ending a turn takes longer than a timer's period, each one after it too.
            _ = Interlocked.Exchange(ref _state->TurnEnded, 0);
        }
    }

    /// <inheritdoc/>
    /// <remarks>A kick that comes after <see cref="Dispose"/> writes to memory that is only retired.</remarks>
    public void Kick()
    {
        Volatile.Write(ref _state->Limit, ulong.MaxValue);
        GC.KeepAlive(this);
    }

    /// <inheritdoc/>
    public void EndTurn()
    {
        Volatile.Write(ref _state->TurnEndTsc, Emit.TrapHandler.ReadTsc());
        Volatile.Write(ref _state->TurnEnded, 1);
        Kick();
    }

    /// <inheritdoc/>
    public void Nmi()
    {
        int start = Volatile.Read(ref _start); // first: a SIPI stays in it until the vCPU is active
        bool waits = start == StartInit || (start == 0 && Volatile.Read(ref _state->Registers.Activity) == (byte)ActivityState.WaitForSipi);
        if (waits)
        {
            return;
        }

        Volatile.Write(ref _nmi, 1);
        Kick();
    }

    /// <inheritdoc/>
    /// <remarks>Whatever came before it is forgotten.</remarks>
    public void Init()
    {
        Volatile.Write(ref _start, StartInit);
        Volatile.Write(ref _nmi, 0);
        Kick();
    }

    /// <inheritdoc/>
    /// <remarks>One that runs ignores it; of several that come to one that waits the first counts.</remarks>
    public void StartUp(byte vector)
    {
        int start = Volatile.Read(ref _start);
        while ((start & StartSipi) == 0)
        {
            int seen = start;
            start = Interlocked.CompareExchange(ref _start, seen | StartSipi | vector, seen);
            if (start == seen)
            {
                Kick();
                return;
            }
        }
    }

    /// <summary>Another thread dropped code of some views that this vCPU may have tables for.</summary>
    internal void RequestForget(int views)
    {
        _ = Interlocked.Or(ref _forget, views);
        Kick();
    }

    /// <summary>Memory moved: what leads to it by any address is forgotten before the next instruction.</summary>
    internal void RequestFlush()
    {
        Volatile.Write(ref _flush, 1);
        RequestForget(AllViews);
    }

    /// <summary>Waits until this vCPU, if it runs translated code now, has left it once.</summary>
    internal void AwaitOutOfGuest()
    {
        int seen = Volatile.Read(ref _state->InGuest);
        if ((seen & 1) == 0)
        {
            return;
        }

        SpinWait wait = default;
        while (Volatile.Read(ref _state->InGuest) == seen)
        {
            Kick();
            wait.SpinOnce(sleep1Threshold: -1);
        }
    }

    /// <summary>Clears a code TLB slot if it holds a value.</summary>
    internal void ClearCodeSlot(int slot, ulong value) => Interlocked.CompareExchange(ref CodeSlots[slot], 0, value);

    /// <summary>Clears user code's slots that hold an id, wherever its page stands.</summary>
    internal void ClearUserCodeSlots(uint id)
    {
        for (int slot = 0; slot < VcpuState.CodeSlotsPerView; slot++)
        {
            ulong value = Volatile.Read(ref CodeSlots[slot]);
            if (((value - id) & 0xFFF) == 0)
            {
                ClearCodeSlot(slot, value); // few others share these bits
            }
        }
    }

    /// <summary>Clears every code TLB slot.</summary>
    internal void ClearCodeSlots() => new Span<ulong>(CodeSlots, VcpuState.CodeSlots).Clear();

    /// <inheritdoc/>
    public void Dispose()
    {
        _handle.Dispose();
        _log?.Dispose();
        _spaces?.Dispose();
        Tlb.Dispose();
        _sampleMemory?.Dispose();
        _stateMemory.Retire();
        _returnStack.Dispose();
    }

    /// <inheritdoc/>
    public void FlushAll()
    {
        _devicePages.Clear();
        Tlb.Flush();
        ForgetCode();
    }

    /// <inheritdoc/>
    public void FlushLocal()
    {
        _devicePages.Clear();
        Tlb.FlushLocal();
        ForgetLocalCode();
        AdjustSysret();
    }

    /// <inheritdoc/>
    public void FlushPage(ulong address)
    {
        if (Tlb.MayBeLarge(address))
        {
            FlushAll();
            return;
        }

        _devicePages.Clear();
        Tlb.FlushPage(address);
        if (_fetchedGlobal.MayHold(address))
        {
            ForgetCode();
        }
        else if (_fetchedLocal.MayHold(address))
        {
            ForgetLocalCode();
        }
    }

    /// <inheritdoc/>
    public void SaveX87()
    {
        ((delegate* unmanaged<byte*, void>)_space.Thunks.SaveX87)(_state->Registers.X87);
    }

    /// <inheritdoc/>
    public void LoadX87()
    {
        byte* image = _state->Registers.X87;
        *(uint*)(image + 24) = 0x1F80; // FXRSTOR loads MXCSR too, and this thread's is the runtime's.
        ((delegate* unmanaged<byte*, void>)_space.Thunks.LoadX87)(image);
    }

    private Breakpoints Breakpoints => _interpreter.Breakpoints;

    private ulong* CodeSlots => (ulong*)&_state->CodeTlb;

    private VcpuState.JumpEntry* JumpSet(int view, int set) => (VcpuState.JumpEntry*)&_state->JumpCache + (((view * VcpuState.JumpSets) + set) * VcpuState.JumpWays);

    /// <summary>The mode word of the current state; a change drops what was only true in the old one.</summary>
    private void ReloadMode()
    {
        ModeWord mode = ModeWord.Of(_state->Registers);
        mode = mode.WithWindow(mode.User64 && Tlb.Windows?.HasWindow() == true);
        CheckCpuid();
        if (mode != _mode)
        {
            _mode = mode;
            _state->Mode = mode.Value;
            ResetReturnStack();
            KeepJumpsOf(mode);
            if (mode.ViewFollowsAc)
            {
                KeepJumpsOf(mode.InOtherView()); // emitted code goes there
            }
        }
    }

    private void KeepJumpsOf(ModeWord mode)
    {
        if (_jumpMode[mode.View] != mode)
        {
            ClearJumps(mode.View);
            _jumpMode[mode.View] = mode;
            ForgetCrossingTo(mode.View);
        }
    }

    private void ResetReturnStack()
    {
        *(ulong*)_returnBase = (ulong)_space.Thunks.Underflow;
        _state->ReturnStackPointer = _state->SavedReturnStack = _state->UserReturnStack = _returnBase;
    }

    /// <summary>RFLAGS into the places translated code keeps its parts.</summary>
    private void SplitFlags()
    {
        ulong f = _state->Registers.Rflags;
        _state->Flags = StatusOf(f);
        _state->InterruptFlag = (byte)((f >> 9) & 1);
        _state->DirectionFlag = (byte)((f >> 10) & 1);
    }

    /// <summary>The status flags of RFLAGS as <see cref="VcpuState.Flags"/> has them.</summary>
    private static ushort StatusOf(ulong rflags) => (ushort)(((rflags & 0xD5) << 8) | ((rflags >> 11) & 1));

    /// <summary>RFLAGS from its parts.</summary>
    private void JoinFlags()
    {
        ulong f = _state->Registers.Rflags & ~(Rflags.Status | Rflags.IF | Rflags.DF);
        uint parts = _state->Flags;
        f |= ((parts >> 8) & 0xD5) | ((parts & 1) << 11);
        f |= ((ulong)_state->InterruptFlag << 9) | ((ulong)_state->DirectionFlag << 10) | Rflags.Fixed;
        _state->Registers.Rflags = f;
    }
}
