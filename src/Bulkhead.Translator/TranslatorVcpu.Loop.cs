using System.Diagnostics;
using System.Runtime.CompilerServices;
using Bulkhead.Translator.Decode;
using Bulkhead.Translator.Interpret;
using Bulkhead.X86.Engine;
using Bulkhead.X86.State;

namespace Bulkhead.Translator;

/// <content>The loop: look, find, run.</content>
internal sealed unsafe partial class TranslatorVcpu
{
    private bool _stopped;

    /// <summary>Whether, since it was cleared, an instruction was executed alone or interpreted, or an event delivered.</summary>
    private bool _executed;

    private StopReason _stop;

    private StopReason Loop(long untilNs)
    {
        _stopped = false;
        int edge = NoEdge;
        bool look = true;
        while (true)
        {
            if (look || Volatile.Read(ref _state->Limit) != _normalLimit)
            {
                if (Look(untilNs))
                {
                    return _stop;
                }

                edge = NoEdge;
            }

            if (_state->ReturnStackPointer < _normalLimit + 256)
            {
                ResetReturnStack(); // full: a limit check left for it, or would at the next call
            }

            bool alone = _mode.Alone || _transientNeeded;
            if (_state->Count >= _state->CountExit)
            {
                if (_state->Count >= _instructionLimit)
                {
                    Stop(StopReason.Budget);
                    return _stop;
                }

                alone = true;
            }

            byte* entry = alone ? null : FindCode(edge);
            if (alone && !_stopped)
            {
                _transientNeeded = false;
                entry = PrepareTransient();
            }

            if (_stopped)
            {
                return _stop;
            }

            if (entry == null)
            {
                look = false; // a fetch fault was delivered, or the bytes at RIP changed
                edge = NoEdge;
                continue;
            }

            if (_log is not null)
            {
                JoinFlags();
                _log.Write(ref _state->Registers, _mode.Value);
            }

            look = Execute(entry, alone, out edge);
            if (_stopped)
            {
                return _stop;
            }
        }
    }

    /// <summary>Looks at what arrived from outside. True: the run ends with <see cref="_stop"/>.</summary>
    private bool Look(long untilNs)
    {
        ref Registers r = ref _state->Registers;
    again:
        if (Volatile.Read(ref _state->Limit) != _normalLimit)
        {
            Interlocked.Exchange(ref _state->Limit, _normalLimit);
            TakeSamples();
            if (Volatile.Read(ref _forget) != 0 || _generation != _space.Generation)
            {
                TakeNotice();
            }

            if (Volatile.Read(ref _flush) != 0)
            {
                Volatile.Write(ref _flush, 0);
                FlushAll();
            }

            if (Volatile.Read(ref _start) is not 0 and var start)
            {
                AnswerStart(start);
            }

            if (Volatile.Read(ref _state->TurnEnded) != 0)
            {
                Volatile.Write(ref _state->TurnEnded, 0);
                NoteAsked();
                Kick(); // whatever else waits is looked at when the next turn starts
                return Stop(StopReason.Kicked);
            }

            if (_io.Clock.NowNs >= untilNs)
            {
                Exits.Add(ExitReason.PreemptionTimer);
                return Stop(StopReason.Budget);
            }
        }

        if (r.Activity == (byte)ActivityState.WaitForSipi)
        {
            return Stop(StopReason.Halt);
        }

        if (r.InterruptShadow != 0)
        {
            if (_state->Count >= _instructionLimit)
            {
                return Stop(StopReason.Budget); // the next turn looks here first
            }

            // One instruction must come first; it matters only when something waits.
            if ((Volatile.Read(ref _nmi) != 0 && r.NmiBlocked == 0) || (_state->InterruptFlag != 0 && _io.Interrupts.HasPending))
            {
                Kick();
                byte* entry = PrepareTransient();
                if (entry != null && PassShadow(entry))
                {
                    goto again;
                }

                if (_stopped)
                {
                    return true;
                }
            }

            r.InterruptShadow = 0;
        }

        if (Volatile.Read(ref _nmi) != 0 && r.NmiBlocked == 0)
        {
            Volatile.Write(ref _nmi, 0);
            r.Activity = (byte)ActivityState.Active;
            Deliver(GuestFault.Nmi, InterruptKind.Nmi);
        }
        else if (_state->InterruptFlag != 0 && _io.Interrupts.HasPending && _io.Interrupts.TryAcknowledge(out byte vector))
        {
            r.Activity = (byte)ActivityState.Active;
            Deliver(vector, InterruptKind.External);
        }

        if (_stopped)
        {
            return true;
        }

        NoteInterrupts();
        return r.Activity == (byte)ActivityState.Halted && Stop(StopReason.Halt);
    }

    /// <summary>Executes the instruction in an interrupt's shadow. True: the next one is in a shadow too, or this one is to be found again.</summary>
    private bool PassShadow(byte* entry)
    {
        ref Registers r = ref _state->Registers;
        (byte shadow, ulong rip) = (r.InterruptShadow, r.Rip);
        r.InterruptShadow = 0;
        _executed = false;
        _ = Execute(entry, transient: true, out _);
        if (_stopped)
        {
            return false;
        }

        if (!_executed && r.Rip == rip)
        {
            r.InterruptShadow = shadow;
            return true;
        }

        if (shadow == 1 && r.InterruptShadow == 2)
        {
            return true; // STI, then a load of SS
        }

        TakeDebugTrap(step: false); // of several that load SS only the first holds events back
        return false;
    }

    /// <summary>INIT, SIPI, or both.</summary>
    /// <remarks><i>Source</i>: Intel SDM Vol. 3A, 8.4.3 MP Initialization Protocol Algorithm for MP Systems.</remarks>
    private void AnswerStart(int start)
    {
        ref Registers r = ref _state->Registers;
        if ((start & StartInit) != 0)
        {
            Exits.Add(ExitReason.Init);
            PowerUp.Init(ref r, _cpuid.Signature);
            r.Activity = (byte)ActivityState.WaitForSipi;
            SplitFlags();
            FlushAll();
            ReloadMode();
            _ = Breakpoints.Take();
        }

        if ((start & StartSipi) != 0 && r.Activity == (byte)ActivityState.WaitForSipi)
        {
            Exits.Add(ExitReason.Sipi);
            PowerUp.StartUp(ref r, (byte)start);
            ReloadMode();
        }

        // Where more came meanwhile, all of it is answered at the next look, for which whoever sent it has kicked: by now an INIT changes nothing.
        _ = Interlocked.CompareExchange(ref _start, 0, start);
    }

    // The handler knows the TSC alone.
    private void NoteAsked()
    {
        ulong ago = Emit.TrapHandler.ReadTsc() - _state->TurnEndTsc;
        EndAskedNs = Stopwatch.GetTimestamp() - (long)(ago * 1e9 / _io.Clock.TscHz);
    }

    /// <summary>An interrupt that EFLAGS.IF holds back is noted for emitted code that sets it; one that may come in is looked for.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void NoteInterrupts()
    {
        bool waits = _io.Interrupts.HasPending;
        _state->InterruptWaits = waits ? (byte)1 : (byte)0;
        if (waits && _state->InterruptFlag != 0)
        {
            Kick();
        }
    }

    private bool Stop(StopReason reason)
    {
        _stop = reason;
        _stopped = true;
        LeftNs = Stopwatch.GetTimestamp();
        return true;
    }

    private void StopUnsupported(string what)
    {
        StopDetail = what;
        Stop(StopReason.Unsupported);
    }
}
