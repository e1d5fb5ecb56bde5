using Bulkhead.Host.Memory;
using Bulkhead.Translator.Cache;
using Bulkhead.Translator.Decode;
using Bulkhead.Translator.Emit;
using Bulkhead.Translator.Verify;
using Bulkhead.X86.Instructions;
using Iced.Intel;
using Xunit;
using CodeWriter = Bulkhead.Translator.Emit.CodeWriter;

namespace Bulkhead.Translator.Tests.Verify;

/// <summary>Emits blocks of given guest bytes and verifies them, as they are or changed; nothing is executed.</summary>
internal sealed unsafe class EmitBench : IEmissionLog, ICodeMap, IDisposable
{
    internal const uint Page = 7;

    private readonly ExecutableMemory _code = ExecutableMemory.Create("emit-bench", 1 << 20);
    private readonly PrivateMemory _guest = new(8192);
    private readonly CodeWriter _writer = new();
    private readonly Thunks _thunks = new();
    private readonly EngineOptions _options;
    private readonly BlockEmitter _emitter;
    private readonly BlockPlanner _planner;
    private readonly BlockVerifier _verifier;
    private readonly List<(int Jump, int Id, int Miss)> _edges = [];
    private readonly List<ulong> _interpreted = [];
    private BlockPlan _plan = new(1);
    private int _start;

    internal EmitBench(string options = "")
    {
        Assert.Null(EngineOptions.TryParse(options, out _options));
        _writer.Begin(_code.Writable, _code.Executable - _code.Writable);
        _thunks.Emit(_writer, _options);
        _start = (_writer.Length + 63) & ~63;
        _emitter = new BlockEmitter(_writer, _thunks, this, _options);
        _planner = new BlockPlanner(this, _options);
        _verifier = new BlockVerifier(_thunks.Places, this, _options);
    }

    /// <summary>A block of the page that is there already: direct jumps to it are bound at once.</summary>
    internal ulong KnownRip { get; set; } = ulong.MaxValue;

    /// <summary>The last block's host code.</summary>
    internal byte[] Code { get; private set; } = [];

    /// <summary>Where it executes.</summary>
    internal ulong Address => (ulong)_code.Executable + (ulong)_start;

    /// <summary>The thunks' host code.</summary>
    internal byte[] ThunkCode => new ReadOnlySpan<byte>(_code.Executable, _thunks.Bytes).ToArray();

    internal ulong Leave => (ulong)_thunks.Leave;

    internal ulong WindowMissOf(bool write) => (ulong)_thunks.WindowMiss[write ? 1 : 0];

    internal ulong LookUpOf(int view, bool write) => (ulong)_thunks.LookUp[Thunks.SlotMissIndex(view, write)];

    internal ulong IndirectOf(int view) => (ulong)_thunks.Indirect[view];

    private ulong KnownEntry => (ulong)_code.Executable + (1 << 19);

    /// <summary>Emits the block at <paramref name="rip"/>. False: its first instruction runs over the end of the page.</summary>
    internal bool Emit(ReadOnlySpan<byte> guest, ulong rip, uint mode, bool transient = false)
    {
        var page = new Span<byte>(_guest.Pointer, 8192);
        page.Fill(0xF4);
        guest.CopyTo(page[(int)(rip & 0xFFF)..]);
        _edges.Clear();
        _interpreted.Clear();
        ModeWord word = new(mode);
        word = word.WithWindow(_options.PageWindows == PageWindowsUse.Always && word.User64);
        _plan = transient
            ? _planner.PlanTransient(_guest.Pointer + (rip & 0xFFF), 15, rip, word)
            : _planner.Plan(_guest.Pointer, Relative(mode) ? rip & 0xFFF : rip, word, Page, Relative(mode));
        if (_plan.Count == 0)
        {
            return false;
        }

        _writer.Begin(_code.Writable + _start, _code.Executable - _code.Writable);
        _emitter.Emit(_plan);
        Code = new ReadOnlySpan<byte>(_code.Writable + _start, _writer.Length).ToArray();
        return true;
    }

    private bool Relative(uint mode) => _options.RelativeCode == RelativeCode.Always && new ModeWord(mode) is { Code64: true, Cpl: 3 };

    /// <summary>Verifies the last block, or what a test made of it.</summary>
    internal Violation? Verify(ReadOnlySpan<byte> code) => _verifier.Verify(_plan, code, Address);

    internal Violation? Verify() => Verify(Code);

    internal Violation? VerifyThunks(ReadOnlySpan<byte> code) => ThunkVerifier.Verify(_thunks.Places, code, (ulong)_code.Executable, _options);

    internal string Describe() => string.Join("; ", _plan.Instructions.Take(_plan.Count));

    public bool Offers(CpuFeature feature) => true;

    public void NoteInstruction(int note, int hostOffset, int guestOffset, bool flagsSaved)
    {
    }

    public int NoteInterpreted(in Instruction instruction)
    {
        _interpreted.Add(instruction.IP);
        return _interpreted.Count - 1;
    }

    public ulong InterpretedAt(int number) => number < _interpreted.Count ? _interpreted[number] : 0;

    public int NewEdge(uint sourcePage, int jumpPlace, int idPlace)
    {
        _edges.Add((jumpPlace, idPlace, -1));
        return _edges.Count - 1;
    }

    public void SetEdgeSaved(int edge)
    {
    }

    public void SetEdgeMiss(int edge, int place) => _edges[edge] = _edges[edge] with { Miss = place };

    public bool TryFind(uint pageId, ulong rip, out byte* entry)
    {
        entry = (byte*)KnownEntry;
        return rip == KnownRip;
    }

    public bool TryGetEdge(int edge, out EdgePlaces places)
    {
        bool known = (uint)edge < (uint)_edges.Count;
        places = known ? new EdgePlaces(At(_edges[edge].Jump), At(_edges[edge].Id), At(_edges[edge].Miss), Page) : default;
        return known;
    }

    private ulong At(int place) => place < 0 ? 0 : Address + (ulong)place;

    public bool TryFindEntry(ulong address, uint pageId, out ulong rip)
    {
        rip = KnownRip;
        return address == KnownEntry && pageId == Page;
    }

    public void Dispose()
    {
        _code.Dispose();
        _guest.Dispose();
    }
}
