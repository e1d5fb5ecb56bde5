using Bulkhead.Core.Memory;
using Bulkhead.Translator.Cache;
using Bulkhead.Translator.Decode;
using Bulkhead.Translator.Emit;
using Bulkhead.Translator.Interpret;
using Bulkhead.Translator.Memory;
using Bulkhead.Translator.State;
using Bulkhead.X86.Engine;
using Bulkhead.X86.Memory;
using Bulkhead.X86.State;
using Iced.Intel;

namespace Bulkhead.Translator;

/// <content>Slow paths of memory operands, traps, delivery.</content>
internal sealed unsafe partial class TranslatorVcpu
{
    private int _pendingWrite = -1;
    private ulong _transientRip;
    private bool _transientFlagsSaved;
    private int _stripSlot;
    private ulong _bounceAddress;
    private int _bounceSize;
    private (ulong Rip, ulong Address, int Size) _read;
    private bool _takesRead;
    private Place _here;
    private bool _located;
    private bool _stored;
    private readonly RecentPlaces _recent = new();
    private readonly DevicePages _devicePages = new();

    private Access DataAccess(bool write) =>
        (write ? Access.Write : Access.Read) | (_mode.View == 0 ? Access.User : _mode.View == 2 ? Access.SmapExempt : 0);

    private byte* Bounce => (byte*)&_state->Bounce;

    /// <inheritdoc/>
    public bool TryFind(ulong address, Access access, out Gpa place)
    {
        int page = Tlb.Find(ViewOf(access), address, (access & Access.Write) != 0);
        bool found = (uint)page < (uint)_memory.RamPageCount;
        place = found ? _memory.PageAddress(page) + (address & 0xFFF) : default;
        return found;
    }

    /// <inheritdoc/>
    /// <remarks>For reading by supervisors alone: tables and stacks of the kernel. The rest is the business of <see cref="AnswerMemory"/>.</remarks>
    public void Keep(ulong address, Access access, in Translation translation)
    {
        int page = _memory.PageNumber(translation.Address);
        if (page < 0 || (access & (Access.Write | Access.User)) != 0)
        {
            return;
        }

        Tlb.Fill(ViewOf(access), address & ~0xFFFul, _memory.PagePointer(page), page, writable: false, translation.Global, translation.PageShift);
    }

    private int ViewOf(Access access) =>
        (access & Access.User) != 0 ? 0 : (access & Access.SmapExempt) != 0 || (_state->Registers.Cr4 & Cr4.SMAP) == 0 ? 2 : 1;

    /// <summary>Answers a data TLB miss: the host address goes to r10 and the instruction goes on. False: find code again.</summary>
    private bool AnswerMemory(uint code)
    {
        ulong address = _state->Scratch0;
        int size = (byte)(code >> 8);
        MemoryFlags flags = (MemoryFlags)(byte)(code >> 16);
        bool write = (flags & MemoryFlags.Write) != 0;
        bool transient = (flags & MemoryFlags.Transient) != 0;
        if (_mode.Code64 && !(Canonical.Is(address) && Canonical.Is(address + (ulong)size - 1)))
        {
            return Fault((flags & MemoryFlags.Stack) != 0 ? GuestFault.WithCode(GuestFault.StackFault, 0) : GuestFault.Gp());
        }

        if (_mode.Breakpoints)
        {
            Breakpoints.NoteAccess(address, size, write);
        }

        Exits.Add(ExitReason.TlbMiss);
        _stored = false;
        bool crossesPage = (address & 0xFFF) + (ulong)size > 4096;
        Access access = DataAccess(write);
        Gpa device = default;
        if (crossesPage || _devicePages.TryFind(address, access, out device))
        {
            return AnswerWithoutHostAddress(device);
        }

        if (!PageWalker.TryWalk(_memory, in _state->Registers, address, access, out Translation t, out GuestFault fault))
        {
            return Fault(fault);
        }

        int ramPage = _memory.PageNumber(t.Address);
        if (ramPage < 0)
        {
            _devicePages.Add(address, access, t.Address);
            return AnswerWithoutHostAddress(t.Address);
        }

        bool readOnly = _memory.IsReadOnly(ramPage);
        if (write && readOnly)
        {
            _devicePages.Add(address, access, t.Address);
            return AnswerWithoutHostAddress(t.Address);
        }

        byte* host = _memory.PagePointer(ramPage);
        if (write && _space.IsCode(ramPage) != 0)
        {
            // What reads and writes at once has to be one access to other vCPUs, and so needs the host's address. Of a string, its pieces are looked at.
            bool atOnce = _space.Shared && (flags & MemoryFlags.ReadsToo) != 0;
            if (!atOnce && _space.IsBesideCode(ramPage, (int)(address & 0xFFF), (flags & MemoryFlags.WholePage) != 0 ? 0 : size))
            {
                return AnswerWithoutHostAddress(t.Address);
            }

            Exits.Add(ExitReason.CodeWrite);
            Place here = Here;
            _space.DropPage(ramPage);
            ForgetDropped();
            if (here.RamPage == ramPage)
            {
                // The block changes its own page: this instruction alone, then what memory says.
                GoBack();
                _transientNeeded = true;
                return false;
            }
        }

        FillTlb(_mode.View, address & ~0xFFFul, ramPage, (write || t.Writable) && !readOnly, t.Global, t.PageShift);
        _state->Scratch0 = (ulong)host + (address & 0xFFF);
        if (write)
        {
            _pendingWrite = ramPage;
            _bounceSize = 0;
        }

        return true;

        bool Fault(GuestFault f)
        {
            GoBack();
            ulong mask = (flags & MemoryFlags.Aligned16) != 0 ? 15ul : (flags & MemoryFlags.Aligned32) != 0 ? 31ul : 0;
            if ((address & mask) != 0)
            {
                f = GuestFault.Gp(); // where the address translates, the host says so itself
            }

            if ((flags & MemoryFlags.WaitsForX87) != 0 && _interpreter.IsX87ErrorPending)
            {
                f = GuestFault.Plain(GuestFault.X87Error);
            }

            DeliverFault(f);
            return false;
        }

        // MMIO and operands that cross a page pass through the bounce buffer; a store needs code that writes it back.
        bool AnswerWithoutHostAddress(Gpa at)
        {
            byte* bounce = Bounce + (address & 63);
            if ((write && !transient) || (flags & MemoryFlags.WholePage) != 0)
            {
                GoBack();
                int forgotten = _forgotten;
                _transientNeeded = !write || transient || !TryStore(address, size, crossesPage ? null : at);
                if (!_stored || _options.CountInstructions || !IsUndisturbed(forgotten))
                {
                    return false;
                }

                _state->Scratch0 = (ulong)bounce; // the code stores there what went where it belongs already
                return true;
            }

            Span<byte> data = new(bounce, size);
            if (write && crossesPage && !_interpreter.TryProbe(address, size, DataAccess(write: true)))
            {
                return Fault(_interpreter.Fault);
            }

            // An x87 store with an unmasked exception leaves memory as it is, so what is written back must have been read.
            // Not from a device's page, where reads have effects.
            bool reads = !write || (flags & MemoryFlags.ReadsToo) != 0
                || ((flags & MemoryFlags.WaitsForX87) != 0 && crossesPage);
            var read = (_space.Shared ? Here.Rip : 0, address, size);
            bool taken = _takesRead && _read == read;
            _takesRead = false;
            bool asks = reads && !taken; // what was taken is in the bounce buffer
            if (asks && !write && !crossesPage)
            {
                _interpreter.ReadDevice(at, data);
            }
            else if (asks && !crossesPage)
            {
                _interpreter.ReadPhysical(at, data); // a ROM's, to be written back
            }
            else if (asks && !_interpreter.TryReadBytes(address, data, DataAccess(write: false)))
            {
                return Fault(_interpreter.Fault);
            }

            if (reads)
            {
                _read = read;
            }

            if (write)
            {
                _bounceAddress = address;
                _bounceSize = size;
            }

            _state->Scratch0 = (ulong)bounce;
            NoteInterrupts(); // a read of a device's register may let one in
            return true;
        }
    }

    /// <summary>Fills an entry of the data TLB; for writing too, unless the page holds code.</summary>
    private void FillTlb(int view, ulong page, int ramPage, bool writable, bool global, int shift)
    {
        writable = writable && _space.IsCode(ramPage) == 0;
        if (writable)
        {
            _space.IsWritten(ramPage) = 1;
        }

        Tlb.Fill(view, page, _memory.PagePointer(ramPage), ramPage, writable, global, shift);
        if (writable && _space.Shared)
        {
            Interlocked.MemoryBarrier();
            if (Volatile.Read(ref _space.IsCode(ramPage)) != 0)
            {
                Tlb.Protect(view, page);
            }
        }
    }

    /// <summary>Performs the instruction at RIP, or delivers its fault, if it is a plain store.</summary>
    /// <param name="address">Where it stores to.</param>
    /// <param name="size">How many bytes.</param>
    /// <param name="device">The device's address; null where the store crosses a page.</param>
    private bool TryStore(ulong address, int size, Gpa? device)
    {
        if (!TryDecodeHere(out Instruction store))
        {
            return true; // the fault came
        }

        Span<byte> data = stackalloc byte[32];
        if (!_interpreter.TryReadStored(store, data[..size]))
        {
            return false;
        }

        Uncount(-1); // first: a device that reads the time sees this instruction counted
        if (device is { } at)
        {
            _interpreter.WritePhysical(at, data[..size]);
        }
        else if (!_interpreter.TryWriteBytes(address, data[..size], DataAccess(write: true)))
        {
            Uncount(1);
            DeliverFault(_interpreter.Fault);
            return true;
        }

        _state->Registers.Rflags &= ~Rflags.RF;
        _state->Registers.Rip = _interpreter.NextRip(store);
        _stored = true;
        NoteInterrupts();
        return true;
    }

    /// <summary>Decodes the instruction at RIP, which translated code left in the middle of. False: the fault of its fetch was delivered.</summary>
    private bool TryDecodeHere(out Instruction instruction)
    {
        ulong rip = _state->Registers.Rip;
        ref RecentPlaces.Entry recent = ref _recent.Of((byte*)_state->ResumeAddress);
        if (recent.Instruction.Length == 0)
        {
            byte* bytes = stackalloc byte[BlockReader.MaxInstructionBytes];
            int length = FetchBytes(rip, bytes);
            if (length == 0)
            {
                instruction = default;
                return false;
            }

            _reader.Open(bytes, _mode.CodeBits);
            _ = _reader.TryDecode(bytes, bytes + length, rip, out recent.Instruction);
        }

        instruction = recent.Instruction;
        instruction.IP = rip; // a position-independent page may stand elsewhere by now
        return true;
    }

    /// <summary>Whether translated code may go on where it left for an instruction that is complete: nothing waits, and nothing changed that
    /// the code depends on.</summary>
    /// <param name="forgotten">What <see cref="_forgotten"/> was before.</param>
    private bool IsUndisturbed(int forgotten) =>
        !_stopped && _forgotten == forgotten && _generation == _space.Generation && Volatile.Read(ref _state->Limit) == _normalLimit;

    /// <summary>Writes an operand back that went through the bounce buffer.</summary>
    private void CommitBounce()
    {
        if (_bounceSize != 0)
        {
            int size = _bounceSize;
            _bounceSize = 0;
            _ = _interpreter.TryWriteBytes(_bounceAddress, new ReadOnlySpan<byte>(Bounce + (_bounceAddress & 63), size), DataAccess(write: true));
            NoteInterrupts();
        }
    }

    /// <summary>Translates the instruction at RIP by itself. Null: a fault was delivered instead, or an instruction breakpoint.</summary>
    private byte* PrepareTransient()
    {
        byte* bytes = stackalloc byte[16];
        ulong rip = _state->Registers.Rip;
        if (_mode.Breakpoints && Breakpoints.AtInstruction(LinearRip(rip)) is not 0 and var hits)
        {
            JoinFlags();
            Finish(_interpreter.DeliverDebug(hits | Breakpoints.Take()));
            return null;
        }

        int length = FetchBytes(rip, bytes);
        if (length == 0)
        {
            return null;
        }

        _transientRip = rip;
        _bounceSize = 0;
        _stripSlot = (_stripSlot + 1) & 7;
        lock (_space.Lock)
        {
            byte* entry = _space.TranslateTransient(bytes, length, rip, _mode, _strip + (_stripSlot * (CodeSpace.StripBytes / 8)), _number);
            _transientFlagsSaved = _space.TransientFlagsSaved;
            return entry;
        }
    }

    /// <summary>The instruction in whose middle translated code left.</summary>
    private Place Here
    {
        get
        {
            if (!_located)
            {
                Locate();
            }

            return _here;
        }
    }

    /// <summary>Puts RIP and the count before the instruction in whose middle translated code left.</summary>
    private void GoBack()
    {
        Place here = Here;
        _state->Registers.Rip = here.Rip;
        _ahead = 0;
        Uncount(here.Remaining);
    }

    private void Locate()
    {
        _located = true;
        uint code = (uint)_state->Scratch1;
        bool trap = ExitWord.Reason(code) == ExitCode.Trap;
        byte* address = (byte*)(trap ? _state->TrapAddress : _state->ResumeAddress);
        ref RecentPlaces.Entry recent = ref _recent.Of(address);
        if (!trap && recent.Left == address)
        {
            _here = recent.Place;
        }
        else if (!_space.TryLocate(address, trap ? -1 : (int)(code >> 24), out _here))
        {
            _here = new Place { Rip = _transientRip, RamPage = -1, Remaining = 1, FlagsSaved = _transientFlagsSaved };
        }
        else if (!trap)
        {
            recent = new() { Left = address, Place = _here };
        }

        if (_here.Relative)
        {
            _here.Rip += _state->CodeBase;
        }
    }

    /// <summary>An instruction of the guest trapped on the host: #DE, #GP for misaligned SSE, #MF, #XM.</summary>
    private void AnswerTrap()
    {
        GoBack();
        if (_state->TrapVector == GuestFault.GeneralProtection && (_state->Scratch0 & ~0xFFFul) is VcpuState.PageSlot.Nothing or 0)
        {
            // An address that an empty page slot let pass, or one in r10 and r11, of which nothing is known here: by itself the
            // instruction faults as it should.
            _transientNeeded = true;
            return;
        }

        if (!_here.FlagsSaved)
        {
            _state->Flags = _state->TrapFlags;
        }

        byte vector = (byte)_state->TrapVector;
        if (vector == GuestFault.SimdError && (_state->Registers.Cr4 & Cr4.OSXMMEXCPT) == 0)
        {
            vector = GuestFault.InvalidOpcode;
        }

        if (vector == GuestFault.X87Error && (_state->Registers.Cr0 & Cr0.NE) == 0)
        {
            AwaitX87Interrupt();
            return;
        }

        DeliverFault(Raised(vector));
    }

    /// <summary>Under CR0.NE=0 an x87 error is no exception: the processor stops before the instruction until an interrupt comes.</summary>
    /// <remarks><i>Source</i>: Intel SDM Vol. 3A, 2.5 Control Registers, CR0.NE; Vol. 1, 8.7.2 MS-DOS Compatibility Sub-mode.</remarks>
    private void AwaitX87Interrupt()
    {
        _executed = true;
        _state->Registers.Activity = (byte)ActivityState.Halted;
        _io.RaiseX87Error();
        Kick();
    }

    /// <summary>An exception that never has an address: with an error code of 0, or none.</summary>
    private static GuestFault Raised(byte vector) => vector == GuestFault.GeneralProtection ? GuestFault.Gp() : GuestFault.Plain(vector);

    /// <summary>Delivers an exception; RIP is at the instruction that raised it.</summary>
    private void DeliverFault(GuestFault fault)
    {
        _ = Breakpoints.Take(); // of an instruction that is not complete, or held back until a fault came first
        JoinFlags();
        Finish(_interpreter.TryDeliver(fault));
    }

    /// <summary>Delivers an interrupt; RIP is the next instruction.</summary>
    private void Deliver(byte vector, InterruptKind kind)
    {
        JoinFlags();
        Finish(_interpreter.DeliverInterrupt(vector, kind));
    }

    private void Finish(DeliveryResult result)
    {
        _executed = true;
        SplitFlags();
        ReloadMode();
        switch (result)
        {
            case DeliveryResult.Delivered:
                break;
            case DeliveryResult.TripleFault:
                Exits.Add(ExitReason.TripleFault);
                _state->Registers.Activity = (byte)ActivityState.Shutdown;
                StopDetail = _interpreter.Fault.ToString();
                Stop(StopReason.TripleFault);
                break;
            default:
                StopUnsupported(_interpreter.Unsupported ?? "delivery");
                break;
        }
    }
}
