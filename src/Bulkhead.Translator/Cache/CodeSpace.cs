using System.Runtime.CompilerServices;
using Bulkhead.Core.Memory;
using Bulkhead.Host.Memory;
using Bulkhead.Translator.Decode;
using Bulkhead.Translator.Emit;
using Bulkhead.Translator.State;
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
/// <para><i>Threading</i>: everything under <see cref="Lock"/>, but for the page flags, which any thread reads.</para>
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
    private readonly IntMap _blockIndex = new(1 << 16);
    private readonly IntMap _pageIndex = new(1 << 12);
    private readonly uint[] _ramHead;
    private readonly uint[] _noteScratch = new uint[256];
    private readonly StreamWriter? _map;
    private readonly int _firstFree;
    private CodePage[] _pages = new CodePage[1 << 10];
    private Block[] _blocks = new Block[1 << 14];
    private Edge[] _edges = new Edge[1 << 15];
    private uint[] _notes = new uint[1 << 17];
    private int _pageCount = 1;
    private int _blockCount;
    private int _edgeCount;
    private Instruction[] _interpreted = new Instruction[1 << 12];
    private int _interpretedCount = MaxVcpus;
    private int _transientVcpu = -1;
    private int _noteCount;
    private int _free;

    internal CodeSpace(GuestMemory memory, EngineOptions options, Func<CpuFeature, bool> offers)
    {
        _options = options;
        _offers = offers;
        Memory = memory;
        _code = CodeReservation.Create(options.CodeCacheBytes);
        _toExecutable = _code.Executable - _code.Writable;
        _pageFlags = new PrivateMemory((ulong)memory.PageCount * 3);
        _ramHead = new uint[memory.PageCount];
        _writer.Begin(_code.Writable, _toExecutable);
        Thunks.Emit(_writer, options);
        TrapHandler.SetThunk((nint)Thunks.Trap);
        _firstFree = (_writer.Length + 63) & ~63;
        _free = _firstFree;
        _emitter = new BlockEmitter(_writer, Thunks, this, options);
        _planner = new BlockPlanner(options);
        _verifier = options.Verify ? new BlockVerifier(Thunks.Places, this, options) : null;
        _map = options.CodeMapPath is { } path ? new StreamWriter(path) : null;
        memory.Observe(this);
    }

    /// <summary>Serializes translation, linking and invalidation. Taken with no other lock held.</summary>
    internal Lock Lock { get; } = new();

    /// <summary>The domain's RAM.</summary>
    internal GuestMemory Memory { get; }

    /// <summary>The ways in and out.</summary>
    internal Thunks Thunks { get; } = new();

    /// <summary>Guest instructions translated so far.</summary>
    internal long TranslatedInstructions { get; private set; }

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

    /// <summary>The id for (virtual page, RAM page, mode), made if need be. Under the lock.</summary>
    internal uint PageFor(ulong rip, int ramPage, ModeWord mode)
    {
        ulong gva = rip & ~0xFFFul;
        ulong key = PageKey(gva, ramPage, mode);
        while (_pageIndex.TryGet(key, out int found))
        {
            ref CodePage p = ref _pages[found];
            if (p.Gva == gva && p.RamPage == ramPage && p.Mode == mode.Value)
            {
                if (p.Alive)
                {
                    return (uint)found;
                }

                break;
            }

            key = (key * 3) | 1; // another page with the same key: probe on
        }

        if (_pageCount == _pages.Length)
        {
            Array.Resize(ref _pages, _pageCount * 2);
        }

        uint id = (uint)_pageCount++;
        _pages[id] = new CodePage { Gva = gva, Mode = mode.Value, RamPage = ramPage, Next = _ramHead[ramPage], Alive = true };
        _ramHead[ramPage] = id;
        _pageIndex.Set(key, (int)id);
        return id;
    }

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
        bool found = _blockIndex.TryGet(BlockKey(pageId, secondPageId, rip), out int place);
        entry = found ? EntryAt(place) : default;
        return found;
    }

    /// <summary>A place in the index: where the block begins, which is even, and in bit 0 whether a flags entry precedes it.</summary>
    private BlockEntry EntryAt(int place)
    {
        byte* start = _code.Executable + (place & ~1);
        return new BlockEntry(start, (place & 1) != 0 ? start - Thunks.FlagsEntryBytes : start);
    }

    /// <summary>Translates the block at an instruction pointer of a page, or with a <paramref name="secondPageId"/> the instruction
    /// that begins in the one and ends in the other. Under the lock, with room (<see cref="HasRoom"/>).</summary>
    /// <returns>The entries, or none when where the first instruction ends is not as was said.</returns>
    internal BlockEntry Translate(uint pageId, uint secondPageId, ulong rip)
    {
        CodePage page = _pages[pageId];
        ModeWord mode = new(page.Mode);
        BlockPlan plan = secondPageId == 0
            ? _planner.Plan(BytesOf(page.RamPage), rip, mode, pageId)
            : _planner.PlanSpanning(BytesOf(page.RamPage), BytesOf(_pages[secondPageId].RamPage), rip, mode, pageId, secondPageId);
        if (plan.Count == 0)
        {
            return default;
        }

        bool readsFlags = plan.LiveBefore[0] != 0;
        int start = (_free + (readsFlags ? Thunks.FlagsEntryBytes : 0) + 15) & ~15;
        if (readsFlags)
        {
            _writer.Begin(_code.Writable + start - Thunks.FlagsEntryBytes, _toExecutable);
            Thunks.EmitFlagsEntry(_writer);
        }

        _writer.Begin(_code.Writable + start, _toExecutable);
        _blockStart = start;
        _emitter.Emit(plan);
        VerifyEmitted(plan);
        TranslatedInstructions += plan.Count;
        Publish(plan, page.RamPage, start);
        int place = start | (readsFlags ? 1 : 0);
        _blockIndex.Set(BlockKey(pageId, secondPageId, rip), place);
        return EntryAt(place);
    }

    private byte* BytesOf(int ramPage) => Memory.HostPointer(Memory.PageAddress(ramPage), 4096);

    private static ulong BlockKey(uint pageId, uint secondPageId, ulong rip) => ((ulong)secondPageId << 32) | (pageId << 12) | (rip & 0xFFF);

    /// <summary>The most page ids (20 bits of a block's key): a page gets one before anything is translated from it, so code bytes do not bound them.</summary>
    internal const int MaxPages = 1 << 20;

    /// <summary>Whether a block of any size still fits.</summary>
    internal bool HasRoom => _free + (96 << 10) + (MaxVcpus * StripBytes) < _options.CodeCacheBytes && _edgeCount < (1 << 24) - 4096 && _interpretedCount < (1 << 24) - 4096
        && _pageCount < MaxPages - 2;

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
        TransientFlagsSaved = (_noteScratch[0] & 1) != 0;
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

    /// <summary>For the emitter: remembers instruction <paramref name="index"/> of the block being emitted.</summary>
    public void NoteInstruction(int index, int hostOffset, int guestOffset, bool flagsSaved) =>
        _noteScratch[index] = ((uint)hostOffset << 13) | ((uint)guestOffset << 1) | (flagsSaved ? 1u : 0u);

    /// <inheritdoc/>
    /// <remarks>The first numbers are those of transient blocks, one for each vCPU.</remarks>
    public int NoteInterpreted(in Instruction instruction)
    {
        int number = _transientVcpu >= 0 ? _transientVcpu : _interpretedCount++;
        if (number == _interpreted.Length)
        {
            Instruction[] more = new Instruction[number * 2];
            _interpreted.CopyTo(more, 0);
            Volatile.Write(ref _interpreted, more);
        }

        _interpreted[number] = instruction;
        return number;
    }

    /// <summary>An instruction that is interpreted. As <see cref="TryLocate"/>.</summary>
    internal ref readonly Instruction Interpreted(int number) => ref Volatile.Read(ref _interpreted)[number];

    /// <summary>For the emitter: a new edge out of the block being emitted.</summary>
    public int NewEdge(uint sourcePage, int idPlace)
    {
        if (_edgeCount == _edges.Length)
        {
            Array.Resize(ref _edges, _edgeCount * 2);
        }

        _edges[_edgeCount] = new Edge { SourcePage = sourcePage, IdPlace = idPlace < 0 ? -1 : _blockStart + idPlace };
        return _edgeCount++;
    }

    /// <summary>For the emitter: where the edge's rel32 stands in the block being emitted.</summary>
    public void SetEdgeJump(int edge, int place) => _edges[edge].JumpPlace = _blockStart + place;

    /// <summary>Links an edge to its target. Under the lock; vCPUs may be running the jump.</summary>
    /// <remarks>Both places are 4-byte aligned, so each store is atomic to instruction fetch, and the jump is written before
    /// the id that guards it. A linked edge is linked again only when its target's id is dead, so that no vCPU can pass the
    /// compare meanwhile.</remarks>
    internal void Link(int edge, uint targetPage, BlockEntry target)
    {
        ref Edge e = ref _edges[edge];
        if (_pages[e.TargetPage].Alive || !_pages[e.SourcePage].Alive || (e.IdPlace < 0 && e.SourcePage != targetPage))
        {
            return;
        }

        e.TargetPage = targetPage;
        byte* entry = e.IdPlace >= 0 ? target.Indirect : target.Direct;
        int relative = (int)(entry - (_code.Executable + e.JumpPlace + 4));
        Volatile.Write(ref Unsafe.AsRef<int>(_code.Writable + e.JumpPlace), relative);
        if (e.IdPlace >= 0)
        {
            Volatile.Write(ref Unsafe.AsRef<uint>(_code.Writable + e.IdPlace), targetPage);
        }
    }

    /// <summary>Finds the instruction a host address belongs to. With an <paramref name="index"/> in its block the address is
    /// where a call returns to; without (-1) it is that of a host instruction that trapped, and the last note at or before it
    /// tells.</summary>
    /// <remarks>Under the lock, or by a vCPU that counts as in the guest (<see cref="DropAll"/> waits for it): what it reads is
    /// only ever appended to.</remarks>
    internal bool TryLocate(byte* address, int index, out Place place)
    {
        int offset = (int)(address - _code.Executable) - (index < 0 ? 0 : 1);
        if (!TryFindBlock(offset, out Block b))
        {
            place = default;
            return false;
        }

        uint[] notes = Volatile.Read(ref _notes);
        if (index < 0)
        {
            index = 0;
            while (index + 1 < b.Count && (notes[b.FirstNote + index + 1] >> 13) <= (uint)(offset - b.Start))
            {
                index++;
            }
        }

        uint note = notes[b.FirstNote + index];
        place = new Place
        {
            Rip = b.Rip + ((note >> 1) & 0xFFF),
            RamPage = b.RamPage,
            Remaining = b.Count - index,
            FlagsSaved = (note & 1) != 0,
        };
        return true;
    }

    /// <summary>Finds the block that holds a byte of the cache. As <see cref="TryLocate"/>.</summary>
    private bool TryFindBlock(int offset, out Block block)
    {
        int low = 0;
        int high = Volatile.Read(ref _blockCount) - 1;
        Block[] blocks = Volatile.Read(ref _blocks);
        while (low <= high)
        {
            int middle = (low + high) >> 1;
            ref Block b = ref blocks[middle];
            if (offset < b.Start)
            {
                high = middle - 1;
            }
            else if (offset >= b.End)
            {
                low = middle + 1;
            }
            else
            {
                block = b;
                return true;
            }
        }

        block = default;
        return false;
    }

    /// <summary>Decodes one instruction from bytes. Under the lock.</summary>
    internal bool TryDecode(byte* bytes, int length, ulong rip, int bits, out Instruction instruction)
    {
        _planner.Reader.Open(bytes, bits);
        return _planner.Reader.TryDecode(bytes, bytes + length, rip, out instruction);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _map?.Dispose();
        CodeReservation.Release(_code);
        _pageFlags.Dispose();
    }

    /// <summary>So much code is written before its pages leave the writable mapping.</summary>
    private const int UnloadBytes = 1 << 20;

    private int _blockStart;

    private static ulong PageKey(ulong gva, int ramPage, ModeWord mode) =>
        (((gva >> 12) * 0x9E37_79B9_7F4A_7C15ul) ^ ((ulong)ramPage << 20) ^ ((ulong)mode.Value * 0xC2B2_AE3D)) | 1;

    private void Publish(BlockPlan plan, int ramPage, int start)
    {
        if (_blockCount == _blocks.Length)
        {
            Block[] more = new Block[_blockCount * 2];
            _blocks.CopyTo(more, 0);
            Volatile.Write(ref _blocks, more);
        }

        if (_noteCount + plan.Count > _notes.Length)
        {
            uint[] more = new uint[_notes.Length * 2];
            _notes.CopyTo(more, 0);
            Volatile.Write(ref _notes, more);
        }

        _noteScratch.AsSpan(0, plan.Count).CopyTo(_notes.AsSpan(_noteCount));
        int unit = _free / UnloadBytes;
        _free = start + _writer.Length;
        if (_free / UnloadBytes != unit)
        {
            _code.Unload(unit * UnloadBytes, UnloadBytes);
        }

        _blocks[_blockCount] = new Block
        {
            Start = start,
            End = _free,
            Rip = plan.Rip,
            FirstNote = _noteCount,
            Count = plan.Count,
            RamPage = ramPage,
        };
        _map?.WriteLine($"{(ulong)(_code.Executable + start):x} {_free - start:x} {plan.Rip:x} {plan.Mode.Value:x} {Convert.ToHexString(new ReadOnlySpan<byte>(_code.Writable + start, _writer.Length))}");
        _noteCount += plan.Count;
        Volatile.Write(ref _blockCount, _blockCount + 1);
    }
}
