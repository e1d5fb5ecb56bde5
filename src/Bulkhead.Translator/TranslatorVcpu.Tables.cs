using Bulkhead.Core.Memory;
using Bulkhead.Translator.Cache;
using Bulkhead.Translator.Decode;
using Bulkhead.Translator.Emit;
using Bulkhead.Translator.Memory;
using Bulkhead.Translator.State;
using Bulkhead.X86.Cpuid;
using Bulkhead.X86.Engine;
using Bulkhead.X86.Memory;
using Bulkhead.X86.State;

namespace Bulkhead.Translator;

/// <content>Where instructions come from: the fetch TLB, the jump cache, translation.</content>
internal sealed unsafe partial class TranslatorVcpu
{
    /// <summary>No edge to link.</summary>
    private const int NoEdge = -1;

    /// <summary>No edge to link, and what the jump cache says is not to be used.</summary>
    private const int Stale = -2;

    private const int FetchEntries = 256;
    private const int JumpLog = 1024;

    /// <summary>Of a set of views, a bit each: all.</summary>
    internal const int AllViews = (1 << VcpuState.Views) - 1;

    private const int SlotLog = 1024;
    private readonly FetchEntry[] _fetch = new FetchEntry[FetchEntries];
    private readonly BusyRegions _busyRegions = new();
    private readonly PageFilter _fetchedLocal = new();
    private readonly PageFilter _fetchedGlobal = new();
    private readonly ModeWord[] _jumpMode = new ModeWord[VcpuState.Views];
    private readonly IndexLog[] _jumpLog = [new(JumpLog), new(JumpLog), new(JumpLog)];
    private readonly IndexLog _localSlots = new(SlotLog);
    private readonly IndexLog _localFetches = new(FetchEntries);

    // The views in which code of a page that is not global was entered since the last flush.
    private int _localCode;

    /// <summary>The linear address of an instruction pointer.</summary>
    private ulong LinearRip(ulong rip) => _mode.Code64 ? rip : (uint)(rip + _mode.CsBase);

    private Access FetchAccess => Access.Fetch | (_mode.Cpl == 3 ? Access.User : 0);

    /// <summary>Finds the code at RIP, translating it if need be; null: a fault was delivered, or look again.</summary>
    /// <param name="edge">The edge that led here, <see cref="NoEdge"/>, or <see cref="Stale"/>.</param>
    private byte* FindCode(int edge)
    {
        ulong rip = _state->Registers.Rip;
        _state->Scratch0 = rip;
        _state->CodeBase = rip & ~0xFFFul;
        VcpuState.JumpEntry* jumps = JumpSet(_mode.View, Thunks.JumpSet(rip));
        for (int way = 0; way < VcpuState.JumpWays && edge == NoEdge; way++)
        {
            if (jumps[way].Target == rip)
            {
                return (byte*)jumps[way].Entry;
            }
        }

        Exits.Add(ExitReason.BlockLookup);
        if (!TryFetchPage(rip, out int ramPage, out bool global))
        {
            return null;
        }

        if (!MayHoldCode(ramPage))
        {
            _transientNeeded = true;
            return null;
        }

        ulong nextPage = (_mode.InPages(rip) | 0xFFF) + 1 - _mode.InPages(0);
        int secondRamPage = -1;
        if (RunsOverEnd(rip, ramPage))
        {
            if (!TryFetchPage(nextPage, out secondRamPage, out bool secondGlobal))
            {
                return null;
            }

            global &= secondGlobal;
            if (!MayHoldCode(secondRamPage))
            {
                _transientNeeded = true;
                return null;
            }
        }

        lock (_space.Lock)
        {
            if (!_space.HasRoom)
            {
                TakeSamples();
                _space.DropAll(this);
            }

            if (_generation != _space.Generation)
            {
                TakeNotice(); // the edge is of code that is gone
                edge = NoEdge;
            }

            uint id = PageAt(rip, ramPage);
            uint secondId = secondRamPage < 0 ? 0 : _space.PageFor(nextPage, secondRamPage, _mode, _busyRegions.IsBusy(nextPage));
            if (!_space.TryFind(id, secondId, rip, out BlockEntry entry))
            {
                _space.GuardPage(ramPage, this);
                if (secondId != 0)
                {
                    _space.GuardPage(secondRamPage, this);
                }

                Exits.Add(ExitReason.Translate);
                Now(VcpuActivity.Translation);
                entry = _space.Translate(id, secondId, rip);
                Now(VcpuActivity.Dispatch);
                if (entry.Direct == null)
                {
                    return null;
                }
            }

            FillSlot(rip, id, global);
            if (secondId != 0)
            {
                FillSlot(nextPage, secondId, global);
            }

            if (!global)
            {
                _localCode |= 1 << _mode.View;
            }

            if (edge == Stale)
            {
                _space.Replace(_staleBlock, id, rip, entry.Direct);
            }

            FillJump(rip, entry.Indirect);
            if (edge >= 0)
            {
                bool gate = _space.IsRelative(id) && !_space.IsRelativeEdge(edge);
                _space.Link(edge, rip, id, gate ? _space.GateTo(rip, ramPage, _mode) : entry, this);
            }

            return entry.Direct;
        }
    }

    /// <summary>The id of the page at RIP, which the fetch TLB leads to. Under the lock.</summary>
    private uint PageAt(ulong rip, int ramPage)
    {
        ref FetchEntry f = ref FetchEntryOf(rip);
        bool many = (_mode.CsBase & 0xFFF) != 0; // then instruction pointers of two pages are in one of linear addresses
        if (many || f.Mode != _mode.Value || !_space.IsAlive(f.Id))
        {
            f.Mode = _mode.Value;
            f.Id = _space.PageFor(rip, ramPage, _mode, _busyRegions.IsBusy(rip));
        }

        return f.Id;
    }

    private ref FetchEntry FetchEntryOf(ulong rip) => ref _fetch[FetchIndexOf(rip)];

    private int FetchIndexOf(ulong rip) => (int)(LinearRip(rip) >> 12) & (FetchEntries - 1);

    /// <summary>Whether code of a page may be kept: not while a store to it waits, nor where others store to it unseen. Else its instructions
    /// run one by one.</summary>
    private bool MayHoldCode(int ramPage) => Volatile.Read(ref _space.IsBeingWritten(ramPage)) == 0 && !_memory.IsShared(ramPage);

    /// <summary>Whether the instruction at RIP ends in the next page.</summary>
    private bool RunsOverEnd(ulong rip, int ramPage)
    {
        int offset = (int)(_mode.InPages(rip) & 0xFFF);
        if (offset <= 4096 - BlockReader.MaxInstructionBytes)
        {
            return false;
        }

        _reader.Open(_memory.PagePointer(ramPage), _mode.CodeBits);
        return !_reader.TryDecode(offset, rip, out _);
    }

    private void FillSlot(ulong rip, uint id, bool global)
    {
        ulong inPages = _mode.InPages(rip);
        int slot = VcpuState.SlotOf(inPages, _mode.View);
        _space.NoteSlot(id);
        CodeSlots[slot] = VcpuState.SlotValue(inPages, id);
        if (!global)
        {
            _localSlots.Add(slot);
        }
    }

    private byte* _staleBlock;

    // How often code was forgotten.
    private int _forgotten;

    private bool _transientNeeded;

    /// <summary>What of the state the answers in the table of CPUID's are for; at first of none.</summary>
    private ulong _cpuidInputs = ulong.MaxValue;

    /// <summary>Keeps what CPUID has just answered.</summary>
    private void NoteCpuid(uint leaf, uint subleaf)
    {
        ref Registers r = ref _state->Registers;
        _state->CpuidTable[Thunks.CpuidIndex(leaf, subleaf)] = new()
        {
            Leaf = leaf,
            Subleaf = subleaf,
            Eax = (uint)r.Gpr[0],
            Ecx = (uint)r.Gpr[1],
            Edx = (uint)r.Gpr[2],
            Ebx = (uint)r.Gpr[3],
        };
    }

    /// <summary>Drops CPUID's answers once they would be others.</summary>
    private void CheckCpuid()
    {
        ulong inputs = CpuidPolicy.InputsOf(in _state->Registers);
        if (_cpuidInputs != inputs)
        {
            _cpuidInputs = inputs;
            for (int i = 0; i < VcpuState.CpuidEntries; i++)
            {
                _state->CpuidTable[i] = new() { Leaf = VcpuState.CpuidEntry.NoLeaf, Subleaf = VcpuState.CpuidEntry.NoLeaf };
            }
        }
    }

    private void FillJump(ulong rip, byte* entry)
    {
        int set = Thunks.JumpSet(rip);
        _jumpLog[_mode.View].Add(set);
        VcpuState.JumpEntry* jumps = JumpSet(_mode.View, set);
        if (jumps->Target != rip)
        {
            jumps[1] = jumps[0];
        }

        jumps[0] = new VcpuState.JumpEntry { Target = rip, Entry = (ulong)entry };
    }

    /// <summary>Translates RIP for fetching; on a fault it is delivered and the result is false.</summary>
    private bool TryFetchPage(ulong rip, out int ramPage, out bool global)
    {
        ulong linear = LinearRip(rip);
        ulong page = linear & ~0xFFFul;
        ref FetchEntry f = ref FetchEntryOf(rip);
        if (f.Page == (page | 1) && f.View == _mode.View)
        {
            ramPage = f.RamPage;
            global = f.Global;
            return true;
        }

        ramPage = -1;
        global = false;
        if (!PageWalker.TryWalk(_memory, in _state->Registers, linear, FetchAccess, out Translation t, out GuestFault fault))
        {
            DeliverFault(fault);
            return false;
        }

        ramPage = _memory.PageNumber(t.Address);
        if (ramPage < 0)
        {
            StopUnsupported($"code outside RAM at {t.Address}");
            return false;
        }

        bool again = (f.Page | 1) == (page | 1) && f.View == _mode.View && f.RamPage == ramPage;
        f.Id = again ? f.Id : 0;
        f.Page = page | 1;
        f.View = _mode.View;
        f.RamPage = ramPage;
        f.Global = global = t.Global;
        (global ? _fetchedGlobal : _fetchedLocal).Add(linear);
        if (!global)
        {
            _localFetches.Add(FetchIndexOf(rip));
        }

        Tlb.NoteLarge(linear, t.PageShift, global);
        return true;
    }

    /// <summary>Copies the bytes at RIP (at most 15); on a fault it is delivered and the result is 0.</summary>
    private int FetchBytes(ulong rip, byte* bytes)
    {
        if (!TryFetchPage(rip, out int ramPage, out _))
        {
            return 0;
        }

        ulong linear = LinearRip(rip);
        int offset = (int)(linear & 0xFFF);
        int first = Math.Min(15, 4096 - offset);
        new ReadOnlySpan<byte>(_memory.PagePointer(ramPage) + offset, first).CopyTo(new Span<byte>(bytes, first));
        if (first == 15)
        {
            return 15;
        }

        // The instruction may end before the page does; only if it does not may the next page's fault show.
        _reader.Open(bytes, _mode.CodeBits);
        if (_reader.TryDecode(bytes, bytes + first, rip, out _))
        {
            return first;
        }

        if (!TryFetchPage(rip + (ulong)first, out ramPage, out _))
        {
            return 0;
        }

        new ReadOnlySpan<byte>(_memory.PagePointer(ramPage), 15 - first).CopyTo(new Span<byte>(bytes + first, 15 - first));
        return 15;
    }

    /// <summary>Drops what depends on address translation or on translated code: jump cache, code TLB, fetch TLB, return stack.</summary>
    private void ForgetCode()
    {
        ForgetCrossings();
        _spaces?.DropAll();
        ForgetEntries(AllViews);
        ClearCodeSlots();
        _ = _localSlots.TryTake(out _);
        _localCode = 0;
        foreach (ref FetchEntry f in _fetch.AsSpan())
        {
            Forget(ref f);
        }

        _ = _localFetches.TryTake(out _);
        _fetchedLocal.Clear();
        _fetchedGlobal.Clear();
    }

    /// <summary>Drops what leads to translated code of some views by its place: jump cache, return stack.</summary>
    private void ForgetEntries(int views)
    {
        _forgotten++;
        for (int view = 0; view < VcpuState.Views; view++)
        {
            if ((views & (1 << view)) != 0)
            {
                ClearJumps(view);
            }
        }

        if ((views & (_mode.View == 0 ? 1 : AllViews - 1)) != 0)
        {
            ResetReturnStack(); // which holds what both of a supervisor's views called
        }
    }

    /// <summary>The same of what comes from pages that are not global.</summary>
    private void ForgetLocalCode()
    {
        ForgetEntries(_localCode);
        _localCode = 0;
        if (_localSlots.TryTake(out ReadOnlySpan<ushort> slots))
        {
            foreach (ushort slot in slots)
            {
                CodeSlots[slot] = 0;
            }
        }
        else
        {
            ClearCodeSlots();
        }

        if (_localFetches.TryTake(out ReadOnlySpan<ushort> fetches))
        {
            foreach (ushort i in fetches)
            {
                ForgetLocal(ref _fetch[i]);
            }
        }
        else
        {
            foreach (ref FetchEntry f in _fetch.AsSpan())
            {
                ForgetLocal(ref f);
            }
        }

        _fetchedLocal.Clear();

        static void ForgetLocal(ref FetchEntry f)
        {
            if (!f.Global)
            {
                Forget(ref f);
            }
        }
    }

    /// <summary>User code was made to leave, mostly for a timer: where that happens again and again is where time goes. Such code is
    /// worth translating for its place, and with a window.</summary>
    private void NoteFound()
    {
        ulong rip = _state->Registers.Rip;
        if (_busyRegions.NoteFound(rip))
        {
            ForgetLocalCode();
            ForgetIds(); // other pages of code stand for the same now
        }

        if (Tlb.Windows?.NoteFound(rip & ~0xFFFul) == true)
        {
            ReloadMode();
        }
    }

    private void ForgetIds()
    {
        _spaces?.DropAll();
        foreach (ref FetchEntry f in _fetch.AsSpan())
        {
            f.Id = 0;
        }
    }

    /// <summary>Where the page leads is to be looked up again; where it leads to the same, so does its id.</summary>
    private static void Forget(ref FetchEntry f) => f.Page &= ~1ul;

    /// <summary>Does what other threads asked for with <see cref="RequestForget"/>.</summary>
    private void TakeNotice()
    {
        if (_generation != _space.Generation)
        {
            _ = Interlocked.Or(ref _forget, AllViews);
            _generation = _space.Generation;
            ForgetIds(); // numbers start over
            _recent.Clear();
        }

        ForgetDropped();
    }

    /// <summary>The same but for having all code dropped: who is in the middle of a block must learn that it is gone. Code TLB slots of what
    /// was dropped are clear already.</summary>
    private void ForgetDropped()
    {
        int views = Interlocked.Exchange(ref _forget, 0);
        if ((views & 1) != 0)
        {
            _spaces?.DropAll();
        }

        ForgetEntries(views);
    }

    private void ClearJumps(int view)
    {
        if (view == 0)
        {
            _state->UserReturnStack = _returnBase; // what waits there leads to the same code
        }

        if (_jumpLog[view].TryTake(out ReadOnlySpan<ushort> filled))
        {
            foreach (ushort i in filled)
            {
                ClearJumpSet(view, i);
            }

            return;
        }

        for (int i = 0; i < VcpuState.JumpSets; i++)
        {
            ClearJumpSet(view, i);
        }
    }

    /// <summary>Gives a set targets that are not of it.</summary>
    private void ClearJumpSet(int view, int set)
    {
        VcpuState.JumpEntry* jumps = JumpSet(view, set);
        jumps[0].Target = jumps[1].Target = set == 0 ? 4ul : 0;
    }

    private struct FetchEntry
    {
        /// <summary>The page's address; bit 0: it is known to lead there.</summary>
        internal ulong Page;
        internal int View;
        internal int RamPage;
        internal bool Global;

        /// <summary>The code page's id in a mode, or 0.</summary>
        internal uint Id;
        internal ulong Mode;
    }
}
