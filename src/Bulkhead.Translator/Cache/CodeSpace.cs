using System.Runtime.CompilerServices;
using Bulkhead.Core.Memory;
using Bulkhead.Host.Memory;
using Bulkhead.Translator.Decode;
using Bulkhead.Translator.Emit;
using Bulkhead.Translator.Memory;
using Bulkhead.Translator.State;
using Bulkhead.Translator.Store;
using Bulkhead.Translator.Verify;
using Bulkhead.X86.Instructions;
using Iced.Intel;
using CodeWriter = Bulkhead.Translator.Emit.CodeWriter;

namespace Bulkhead.Translator.Cache;

/// <summary>A domain's translated code: the cache, its index, its links, and what keeps it true to guest memory.</summary>
/// <remarks>
/// <para><i>Keys</i>: a block belongs to a code page id, which stands for (virtual page, RAM page, mode word); ids are
/// never used again, so a jump that was linked under an id can trust it for as long as the vCPU's code TLB still holds it.</para>
/// <para><i>Truth</i>: a RAM page with translated code has its <see cref="IsCode"/> byte set, and then no vCPU holds a
/// write tag for it: every store to it takes the slow path and drops the page's code first (see <c>CodeSpace.Coherence</c>).</para>
/// <para><i>Threading</i>: everything under <see cref="Lock"/>, but for the page flags, which any thread reads, and packing.</para>
/// </remarks>
internal sealed unsafe partial class CodeSpace : IEmissionLog, IDisposable
{
    private readonly EngineOptions _options;
    private readonly Func<CpuFeature, bool> _offers;
    private readonly ExecutableMemory _code;
    private readonly PrivateMemory _pageFlags;
    private readonly long _toExecutable;
    private readonly CodeWriter _writer = new();
    private readonly BlockEmitter _emitter;
    private readonly BlockPlanner _planner;
    private readonly BlockVerifier? _verifier;
    private readonly BlockTable _blocks;
    private readonly ReservedArray<CodePage> _pages = new(MaxPages + 1);
    private readonly ReservedArray<uint> _pageRows = new(1 << 16);
    private readonly ReservedArray<uint> _ramHead;
    private readonly ReservedArray<ReadBytes> _read;
    private readonly ReservedArray<Edge> _edges;
    private readonly ReservedArray<Instruction> _interpreted;
    private readonly Note[] _noteScratch = new Note[BlockTable.MaxNotes];
    private readonly JitDump? _dump;
    private readonly int _firstFree;
    private int _pageCount = 1;
    private int _edgeCount;
    private int _interpretedCount = MaxVcpus;
    private int _transientVcpu = -1;
    private readonly WrittenPages _written;
    private int _free;

    internal CodeSpace(GuestMemory memory, EngineOptions options, Func<CpuFeature, bool> offers, CodeStore? store = null)
    {
        _options = options = options.For(memory.SizeBytes);
        _offers = offers;
        Memory = memory;
        _code = CodeReservation.Create(options.CodeCacheBytes);
        _toExecutable = _code.Executable - _code.Writable;
        _pageFlags = new PrivateMemory((ulong)memory.PageCount * 4);
        _read = new ReservedArray<ReadBytes>(memory.PageCount);
        _ramHead = new ReservedArray<uint>(memory.PageCount);
        _blocks = new BlockTable(options.CodeCacheBytes);
        int exits = Math.Min(options.CodeCacheBytes / 16, 1 << 24); // each takes more bytes, and an exit's number has 24 bits
        _edges = new ReservedArray<Edge>(exits);
        _interpreted = new ReservedArray<Instruction>(exits);
        _written = new WrittenPages(_code);
        _writer.Begin(_code.Writable, _toExecutable);
        Thunks.Emit(_writer, options);
        TrapHandler.SetThunk((nint)Thunks.Trap);
        _firstFree = (_writer.Length + 63) & ~63;
        _free = _firstFree;
        _emitter = new BlockEmitter(_writer, Thunks, this, options);
        _planner = new BlockPlanner(this, options);
        Mappings = new MappingBudget(options.PageWindows == PageWindowsUse.Off ? 0 : MemoryWindow.MostMappings() / 4);
        _verifier = options.Verify ? new BlockVerifier(Thunks.Places, this, options) : null;
        _dump = options.JitDumpDirectory is { } directory ? new JitDump(directory) : null;
        memory.Observe(this);
        OpenStore(store);
    }

    /// <summary>Serializes translation, linking and invalidation. Taken with no other lock held.</summary>
    internal Lock Lock { get; } = new();

    /// <summary>The domain's RAM.</summary>
    internal GuestMemory Memory { get; }

    /// <summary>The host's mappings that windows may take.</summary>
    internal MappingBudget Mappings { get; }

    /// <summary>The ways in and out.</summary>
    internal Thunks Thunks { get; } = new();

    /// <summary>Guest instructions translated so far.</summary>
    internal long TranslatedInstructions { get; private set; }

    /// <summary>Nanoseconds of translation so far, where samples are taken.</summary>
    internal long TranslationNs { get; private set; }

    /// <summary>Bytes of translated code held now.</summary>
    internal int CodeBytes => _free - _firstFree;

    /// <summary>Whether an instruction of this feature exists for the guest.</summary>
    public bool Offers(CpuFeature feature) => _offers(feature);

    /// <summary>Non-zero: translated code came from this RAM page. Written under the lock, read by anyone.</summary>
    internal ref byte IsCode(int ramPage) => ref _pageFlags.Pointer[ramPage];

    /// <summary>Non-zero: some vCPU may hold a write tag for this RAM page.</summary>
    internal ref byte IsWritten(int ramPage) => ref _pageFlags.Pointer[Memory.PageCount + ramPage];

    /// <summary>Non-zero: a vCPU's store to this RAM page was refused again and again; until it is done the page's instructions run
    /// one by one.</summary>
    internal ref byte IsBeingWritten(int ramPage) => ref _pageFlags.Pointer[(2 * Memory.PageCount) + ramPage];

    /// <summary>How often this RAM page's code was dropped because of a store; it stops at <see cref="MostDrops"/>. Written under the lock.</summary>
    private ref byte Drops(int ramPage) => ref _pageFlags.Pointer[(3 * Memory.PageCount) + ramPage];

    /// <summary>The id for (virtual page, RAM page, mode), made if need be. Under the lock.</summary>
    /// <remarks>User code met at a second address, or that may be kept, gets an id for every address: the libraries and programs that each process has
    /// somewhere else. Where much time goes it gets one for its address alone, since such code is faster.</remarks>
    /// <param name="rip">An address in the page.</param>
    /// <param name="ramPage">What stands there.</param>
    /// <param name="mode">The mode it runs in.</param>
    /// <param name="busy">Whether much time goes there.</param>
    internal uint PageFor(ulong rip, int ramPage, ModeWord mode, bool busy)
    {
        ulong gva = mode.InPages(rip) & ~0xFFFul;
        if (TryFindPage(gva, ramPage, mode, PageKind.Fixed, out uint id))
        {
            return id;
        }

        bool always = _options.RelativeCode == RelativeCode.Always;
        if (mode.User64 && (always || (_options.RelativeCode == RelativeCode.On && !busy)))
        {
            if (TryFindPage(0, ramPage, mode, PageKind.Relative, out id))
            {
                return id;
            }

            id = AddPage(0, ramPage, mode, PageKind.Relative); // for the second address; or at once, since what is kept is of this kind
            if (always || _store is not null)
            {
                return id;
            }
        }

        return AddPage(gva, ramPage, mode, PageKind.Fixed);
    }

    /// <summary>Whether a page id still stands for a page of code.</summary>
    internal bool IsAlive(uint pageId) => _pages[(int)pageId].Alive;

    /// <summary>A vCPU's code TLB holds a page id from now on. Under the lock.</summary>
    internal void NoteSlot(uint pageId) => _pages[(int)pageId].InSlots = true;

    /// <summary>Whether a page id is of position-independent blocks.</summary>
    internal bool IsRelative(uint pageId) => _pages[(int)pageId].Kind == PageKind.Relative;

    /// <summary>Whether an edge is of a position-independent block.</summary>
    internal bool IsRelativeEdge(int edge) => IsRelative(_edges[edge].SourcePage);

    /// <summary>The way from fixed blocks to a position-independent one, made if need be. Under the lock, with room.</summary>
    internal BlockEntry GateTo(ulong rip, int ramPage, ModeWord mode)
    {
        ulong gva = rip & ~0xFFFul;
        if (!TryFindPage(gva, ramPage, mode, PageKind.Gate, out uint pageId))
        {
            pageId = AddPage(gva, ramPage, mode, PageKind.Gate);
        }

        if (TryFind(pageId, 0, rip, out BlockEntry entry))
        {
            return entry;
        }

        Block gate = new() { Start = (_free + 15) & ~15, Page = pageId, Offset = (ushort)(rip & 0xFFF) };
        _writer.Begin(_code.Writable + gate.Start, _toExecutable);
        Thunks.EmitGate(_writer, rip, mode.View);
        Publish(gate, [], _writer.Places, _writer.Length);
        return EntryOf(gate.Start, FlagsEntry.None, PageKind.Gate);
    }

    private bool TryFindPage(ulong gva, int ramPage, ModeWord mode, PageKind kind, out uint id)
    {
        for (id = _pageRows[PageRow(gva, ramPage, mode)]; id != 0; id = _pages[(int)id].NextInRow)
        {
            ref CodePage p = ref _pages[(int)id];
            if (p.Gva == gva && p.RamPage == ramPage && p.Mode == mode.Value && p.Kind == kind)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Takes a dead page out of the index: a page that is written over and over gets a new id each time.</summary>
    private void RemoveFromRow(uint id)
    {
        ref CodePage page = ref _pages[(int)id];
        ref uint next = ref _pageRows[PageRow(page.Gva, page.RamPage, new ModeWord(page.Mode))];
        while (next != id)
        {
            next = ref _pages[(int)next].NextInRow;
        }

        next = page.NextInRow;
    }

    private uint AddPage(ulong gva, int ramPage, ModeWord mode, PageKind kind)
    {
        ref uint row = ref _pageRows[PageRow(gva, ramPage, mode)];
        ref uint head = ref _ramHead[ramPage];
        while ((_pageCount & 0xFFF) is 0 or 0xFFF)
        {
            _pageCount++; // see VcpuState.SlotValue
        }

        uint id = (uint)_pageCount++;
        _pages[(int)id] = new CodePage { Gva = gva, Mode = mode.Value, RamPage = ramPage, Kind = kind, Next = head, NextInRow = row, Alive = true };
        head = id;
        row = id;
        return id;
    }

    private int PageRow(ulong gva, int ramPage, ModeWord mode) =>
        (int)(((gva ^ ((ulong)ramPage << 40) ^ mode.Value) * 0x9E37_79B9_7F4A_7C15ul) >> 40) & (_pageRows.Length - 1);

    /// <inheritdoc/>
    public bool TryFind(uint pageId, ulong rip, out byte* entry) => TryFind(pageId, 0, rip, out entry);

    /// <summary>Finds the block at an instruction pointer of a page; one whose instruction ends in another page by that page's id
    /// too. Under the lock.</summary>
    internal bool TryFind(uint pageId, uint secondPageId, ulong rip, out byte* entry)
    {
        bool found = TryFind(pageId, secondPageId, rip, out BlockEntry block);
        entry = found ? block.Direct : null;
        return found;
    }

    /// <summary>The same, with both entries.</summary>
    internal bool TryFind(uint pageId, uint secondPageId, ulong rip, out BlockEntry entry)
    {
        ref readonly CodePage page = ref _pages[(int)pageId];
        int offset = OffsetOf(page, rip);
        int start = 0;
        FlagsEntry flags = default;
        bool found = (page.Starts & StartBit(offset)) != 0 && _blocks.TryFind(pageId, secondPageId, offset, out start, out flags);
        entry = found ? EntryOf(start, flags, page.Kind) : default;
        return found;
    }

    /// <summary>How far an instruction pointer is in its page.</summary>
    private static int OffsetOf(in CodePage page, ulong rip) => (int)(new ModeWord(page.Mode).InPages(rip) & 0xFFF);

    private static ulong StartBit(int offset) => 1ul << (offset >> 6);

    private ModeWord ModeOf(uint pageId) => new(_pages[(int)pageId].Mode);

    private BlockEntry EntryOf(int start, FlagsEntry flags, PageKind kind)
    {
        byte* direct = _code.Executable + start;
        byte* linked = flags == FlagsEntry.Saves ? direct + CodeWriter.SaveFlagsBytes : direct - BytesBefore(flags, relative: false);
        return new BlockEntry(direct, linked, kind == PageKind.Relative ? direct - BytesBefore(flags, relative: true) : linked);
    }

    /// <summary>Where an edge goes.</summary>
    private static byte* EntryFor(in Edge edge, BlockEntry target) => edge.FlagsSaved ? target.Linked : target.Direct;

    /// <summary>Bytes of the ways in from other pages that stand before a block.</summary>
    private static int BytesBefore(FlagsEntry flags, bool relative) =>
        (flags == FlagsEntry.Restores ? Thunks.FlagsEntryBytes : 0) + (!relative ? 0 : Thunks.BaseEntryBytes + (flags == FlagsEntry.Saves ? CodeWriter.JumpAheadBytes : 0));

    /// <summary>Translates the block at an instruction pointer of a page, or with a <paramref name="secondPageId"/> the instruction
    /// that begins in the one and ends in the other. Under the lock, with room (<see cref="HasRoom"/>).</summary>
    /// <returns>The entries, or none when where the first instruction ends is not as was said.</returns>
    internal BlockEntry Translate(uint pageId, uint secondPageId, ulong rip)
    {
        long begun = _options.Sample ? System.Diagnostics.Stopwatch.GetTimestamp() : 0;
        BlockEntry entry = default;
        if (secondPageId != 0 || !TryLoad(pageId) || !TryFind(pageId, 0, rip, out entry))
        {
            entry = TranslateNow(pageId, secondPageId, rip);
        }

        TranslationNs += _options.Sample ? System.Diagnostics.Stopwatch.GetTimestamp() - begun : 0;
        return entry;
    }

    private BlockEntry TranslateNow(uint pageId, uint secondPageId, ulong rip)
    {
        ref readonly CodePage page = ref _pages[(int)pageId];
        ModeWord mode = new(page.Mode);
        bool relative = page.Kind == PageKind.Relative;
        ulong start = relative ? rip & 0xFFF : rip;
        BlockPlan plan = secondPageId == 0
            ? _planner.Plan(SourceOf(pageId), start, mode, pageId, relative, ReadOf(page.RamPage))
            : PlanSpanning(page.RamPage, _pages[(int)secondPageId].RamPage);
        if (plan.Count == 0)
        {
            return default;
        }

        Block block = new() { Page = pageId, SecondPage = secondPageId, Offset = (ushort)(mode.InPages(rip) & 0xFFF), FlagsEntry = plan.FlagsEntry };
        BeginBlock(ref block, relative);
        _writer.Begin(_code.Writable + block.Start, _toExecutable);
        _blockStart = block.Start;
        _emitter.Emit(plan);
        VerifyEmitted(plan);
        TranslatedInstructions += plan.Count;
        block.Count = (byte)plan.Count;
        if (secondPageId == 0 && page.Hash > 0)
        {
            _ = Interlocked.Add(ref _newInstructions, plan.Count);
        }

        Publish(block, _noteScratch.AsSpan(0, plan.Notes), _writer.Places, _writer.Length);
        return EntryOf(block.Start, block.FlagsEntry, page.Kind);

        BlockPlan PlanSpanning(int first, int second) =>
            _planner.PlanSpanning(BytesOf(first), BytesOf(second), start, mode, pageId, secondPageId, relative, ReadOf(first), ReadOf(second));
    }

    /// <summary>Gives a block its place behind all others, and writes the ways in that stand before it.</summary>
    private void BeginBlock(ref Block block, bool relative)
    {
        int before = BytesBefore(block.FlagsEntry, relative);
        block.Start = (_free + before + 15) & ~15;
        _written.Expect(_free);
        _writer.Begin(_code.Writable + block.Start - before, _toExecutable);
        if (relative)
        {
            Thunks.EmitBaseEntry(_writer);
            if (block.FlagsEntry == FlagsEntry.Saves)
            {
                _writer.JumpAhead(CodeWriter.SaveFlagsBytes);
            }
        }

        if (block.FlagsEntry == FlagsEntry.Restores)
        {
            Thunks.EmitFlagsEntry(_writer);
        }
    }

    private byte* BytesOf(int ramPage) => Memory.PagePointer(ramPage);

    /// <summary>The most page ids: a page gets one before anything is translated from it, so code bytes do not bound them.</summary>
    internal const int MaxPages = 1 << 20;

    /// <summary>Whether a block of any size still fits.</summary>
    internal bool HasRoom => _free + (96 << 10) + (MaxVcpus * StripBytes) < _options.CodeCacheBytes && _blocks.HasRoom && _pageCount < MaxPages - 16
        && _edgeCount < _edges.Length - 4096 && _interpretedCount < _interpreted.Length - 4096 && HasRoomForPlaces;

    /// <summary>Emits a single instruction into the vCPU's own strip of the cache, for one use.</summary>
    internal byte* TranslateTransient(byte* bytes, int length, ulong rip, ModeWord mode, byte* strip, int vcpu)
    {
        BlockPlan plan = _planner.PlanTransient(bytes, length, rip, mode);
        _writer.Begin(strip, _toExecutable);
        _blockStart = (int)(strip - _code.Writable);
        _transientVcpu = vcpu;
        _emitter.Emit(plan);
        _transientVcpu = -1;
        VerifyEmitted(plan);
        TransientFlagsSaved = _noteScratch[0].FlagsSaved;
        return strip + _toExecutable;
    }

    /// <summary>Whether the last transient block keeps the flags in the state while its instruction executes.</summary>
    internal bool TransientFlagsSaved { get; private set; }

    /// <summary>Takes a strip for transient blocks, in the writable mapping; it survives <see cref="DropAll"/>.</summary>
    internal byte* TakeStrip(int index) => _code.Writable + _options.CodeCacheBytes - ((index + 1) * StripBytes);

    /// <summary>The most vCPUs of a domain.</summary>
    internal const int MaxVcpus = 64;

    /// <summary>Bytes of a vCPU's strip.</summary>
    internal const int StripBytes = 8192;

    /// <inheritdoc/>
    public void NoteInstruction(int note, int hostOffset, int guestOffset, bool flagsSaved) =>
        _noteScratch[note] = new Note(hostOffset, guestOffset, flagsSaved);

    /// <inheritdoc/>
    /// <remarks>The first numbers are those of transient blocks, one for each vCPU.</remarks>
    public int NoteInterpreted(in Instruction instruction)
    {
        int number = _transientVcpu >= 0 ? _transientVcpu : _interpretedCount++;
        _interpreted[number] = instruction;
        return number;
    }

    /// <summary>An instruction that is interpreted. As <see cref="TryLocate"/>.</summary>
    internal ref readonly Instruction Interpreted(int number) => ref _interpreted[number];

    /// <summary>For the emitter: a new edge out of the block being emitted.</summary>
    public int NewEdge(uint sourcePage, int jumpPlace, int idPlace)
    {
        _edges[_edgeCount] = new Edge { SourcePage = sourcePage, JumpPlace = _blockStart + jumpPlace, IdBefore = checked((ushort)(idPlace < 0 ? 0 : jumpPlace - idPlace)) };
        return _edgeCount++;
    }

    /// <inheritdoc/>
    public void SetEdgeSaved(int edge) => _edges[edge].MissAfter = Edge.Saved;

    /// <summary>For the emitter: where the edge's way out stands in the block being emitted.</summary>
    public void SetEdgeMiss(int edge, int place) => _edges[edge].MissAfter = checked((ushort)(_blockStart + place - _edges[edge].JumpPlace));

    /// <summary>Links an edge to its target. Under the lock; vCPUs may be running the jump.</summary>
    /// <remarks>Both places are 4-byte aligned, so each store is atomic to instruction fetch, and the jump is written before
    /// the id that guards it. A linked edge is linked again only when its target's id is dead and each vCPU has left since: none can be
    /// between the compare and the jump.</remarks>
    internal void Link(int edge, ulong rip, uint targetPage, BlockEntry target, TranslatorVcpu self)
    {
        ref Edge e = ref _edges[edge];
        if (!_pages[(int)e.SourcePage].Alive || (e.IdBefore == 0 && e.SourcePage != targetPage))
        {
            return;
        }

        bool relative = IsRelative(e.SourcePage);
        if (_pages[(int)e.TargetPage].Alive)
        {
            if (e.TargetPage != targetPage)
            {
                Patch(e.JumpPlace + e.MissAfter, (relative ? Thunks.RelativeMiss : Thunks.FixedMiss)[ModeOf(e.SourcePage).View]); // it leads to both
            }

            return;
        }

        if (e.TargetPage != 0 && !_pages[(int)e.TargetPage].Left)
        {
            AwaitOthers(self);
            _pages[(int)e.TargetPage].Left = true;
        }

        e.TargetPage = targetPage;
        Patch(e.JumpPlace, EntryFor(e, target));
        if (e.IdBefore != 0)
        {
            uint compared = relative ? targetPage : (uint)VcpuState.SlotValue(ModeOf(targetPage).InPages(rip), targetPage);
            Volatile.Write(ref Unsafe.AsRef<uint>(_code.Writable + e.JumpPlace - e.IdBefore), compared);
        }
    }

    /// <summary>Has a block whose instruction ends in a page whose id is dead go on to that which took its place; the links to it stay.
    /// Under the lock; vCPUs may be running it.</summary>
    /// <remarks>The first eight bytes are one instruction, and stored at once. (Where instructions are counted they are part of a longer
    /// one, and there is one vCPU.)</remarks>
    internal void Replace(byte* inside, uint page, ulong rip, byte* by)
    {
        if (!_blocks.TryFindHost((int)(inside - _code.Executable), out int index) || _blocks[index] is not { SecondPage: not 0 } stale
            || stale.Page != page || stale.Offset != OffsetOf(_pages[(int)page], rip) || _pages[(int)stale.SecondPage].Alive)
        {
            return;
        }

        ref ulong start = ref Unsafe.AsRef<ulong>(_code.Writable + stale.Start);
        uint distance = (uint)(int)(by - (_code.Executable + stale.Start + 5));
        Volatile.Write(ref start, (start & 0xFFFF_FF00_0000_0000) | ((ulong)distance << 8) | 0xE9);
    }

    private void Patch(int place, byte* target)
    {
        Volatile.Write(ref Unsafe.AsRef<int>(_code.Writable + place), (int)(target - (_code.Executable + place + sizeof(int))));
        _written.Note(place, _free);
    }

    /// <summary>Finds the instruction a host address belongs to. With a <paramref name="note"/> of its block the address is
    /// where a call returns to; without (-1) it is that of a host instruction that trapped, and the last note at or before it
    /// tells.</summary>
    /// <remarks>Under the lock, or by a vCPU that counts as in the guest (<see cref="DropAll"/> waits for it): what it reads is
    /// only ever appended to.</remarks>
    internal bool TryLocate(byte* address, int note, out Place place)
    {
        int offset = (int)(address - _code.Executable) - (note < 0 ? 0 : 1);
        if (offset >= _free || !_blocks.TryFindHost(offset, out int found))
        {
            place = default;
            return false;
        }

        ref readonly Block b = ref _blocks[found];
        if (b.Notes == 0)
        {
            place = default; // a gate
            return false;
        }

        Span<Note> notes = stackalloc Note[BlockTable.MaxNotes];
        _blocks.ReadNotes(b, notes);
        if (note < 0)
        {
            note = 0;
            while (note + 1 < b.Notes && notes[note + 1].HostOffset <= offset - b.Start)
            {
                note++;
            }
        }

        ref readonly CodePage page = ref _pages[(int)b.Page];
        int index = 0;
        while (index < b.Count && notes[index].GuestOffset != notes[note].GuestOffset)
        {
            index++;
        }

        place = new Place
        {
            Rip = page.Gva + b.Offset + (uint)notes[note].GuestOffset - new ModeWord(page.Mode).InPages(0),
            Relative = page.Kind == PageKind.Relative,
            RamPage = page.RamPage,
            Remaining = b.Count - index,
            FlagsSaved = notes[note].FlagsSaved,
        };
        return true;
    }

    /// <summary>Whether an address is of translated code, or of its thunks.</summary>
    internal bool IsTranslated(ulong address) => address - (ulong)_code.Executable < (ulong)_options.CodeCacheBytes;

    /// <summary>Decodes one instruction from bytes. Under the lock.</summary>
    internal bool TryDecode(byte* bytes, int length, ulong rip, int bits, out Instruction instruction)
    {
        _planner.Reader.Open(bytes, bits);
        return _planner.Reader.TryDecode(bytes, bytes + length, rip, out instruction);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_store is not null)
        {
            _store.Leave(this); // which releases it
            return;
        }

        Free();
    }

    private void Free()
    {
        _places?.Dispose();
        _hashes?.Dispose();
        _stored?.Dispose();
        _copies?.Dispose();
        _dump?.Dispose();
        CodeReservation.Release(_code);
        _pageFlags.Dispose();
        _blocks.Dispose();
        _pages.Dispose();
        _pageRows.Dispose();
        _ramHead.Dispose();
        _read.Dispose();
        _edges.Dispose();
        _interpreted.Dispose();
    }

    private int _blockStart;

    /// <summary>Adds the block just written.</summary>
    private void Publish(in Block block, ReadOnlySpan<Note> notes, ReadOnlySpan<uint> places, int codeBytes, bool kept = false)
    {
        _blocks.Add(block, notes);
        NotePlaces(places, codeBytes, kept);
        _pages[(int)block.Page].Starts |= StartBit(block.Offset);
        _free = block.Start + codeBytes;
        _written.Note(_free, _free);
        Volatile.Write(ref _published, _published + 1);
        AskToKeep();

        _dump?.Add(
            (ulong)(_code.Executable + block.Start), new ReadOnlySpan<byte>(_code.Writable + block.Start, codeBytes),
            _pages[(int)block.Page].Gva + block.Offset, _pages[(int)block.Page].Mode);
    }
}
