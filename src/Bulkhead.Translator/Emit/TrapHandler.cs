using Bulkhead.Host.Memory;
using Bulkhead.Host.Processor;

namespace Bulkhead.Translator.Emit;

/// <summary>The process's signal handlers for translated code: emitted, because C# must never run inside a signal.</summary>
/// <remarks>
/// <para>SIGFPE and SIGSEGV: where the interrupted RIP lies in a registered code cache and the trap is the guest's own
/// (0 #DE, 13 misaligned SSE, 16 x87, 19 SIMD), the handler stores address and vector in the vCPU's state (GS) and sends
/// the thread to the trap thunk; everything else goes to the runtime's handler.</para>
/// <para>The registry is the process's, like the handlers, and native (decision record 0002). A change publishes a whole new
/// table, so that a handler never sees half of one; old tables are used again only after many changes.</para>
/// <code>
/// words of the registry: 0 the table's address, 1 index of the next free word, 8.. tables
/// words of a table:      0 count, then start, end, thunk of each range
/// </code>
/// </remarks>
internal static unsafe class TrapHandler
{
    private const int MaxRanges = 1024;
    private const int RegistryBytes = 4 << 20;
    private const int FirstTable = 8;
    private const int SignalSegv = 11;
    private const int SignalFpe = 8;

    // ucontext_t of Linux x86-64: gregs start at 40; REG_RIP is 16, REG_TRAPNO 20.
    private const int ContextRip = 40 + (16 * 8);
    private const int ContextTrap = 40 + (20 * 8);

    private static readonly Lock s_lock = new();
    private static readonly PrivateMemory s_registry = new(RegistryBytes);
    private static readonly ExecutableMemory s_code = Install();

    /// <summary>Native handler void(int, siginfo*, void*) for a turn timer: its value points to a word that holds a turn cell or 0.</summary>
    internal static nint TurnEnd => (nint)s_code.Executable + 2048;

    /// <summary>The same for a sampling timer: notes what the vCPU did.</summary>
    internal static nint Sample => (nint)s_code.Executable + 3584;

    /// <summary>The host's TSC.</summary>
    internal static ulong ReadTsc() => ((delegate* unmanaged<ulong>)(s_code.Executable + 3072))();

    /// <summary>Adds a code cache; its trap thunk is set later by <see cref="SetThunk"/>.</summary>
    internal static void Register(nint start, int bytes)
    {
        lock (s_lock)
        {
            if (*Table == MaxRanges)
            {
                throw new Bulkhead.Host.OperatorException($"More than {MaxRanges} domains in one process.");
            }

            ulong* table = CopyTable();
            ulong* range = table + 1 + (3 * *table);
            range[0] = (ulong)start;
            range[1] = (ulong)start + (ulong)bytes;
            range[2] = 0;
            (*table)++;
            Publish(table);
            GC.KeepAlive(s_code);
        }
    }

    /// <summary>Removes a code cache that nobody runs any more, before its addresses are given back.</summary>
    internal static void Unregister(nint start)
    {
        lock (s_lock)
        {
            ulong* table = CopyTable();
            ulong* last = table + 1 + (3 * (*table - 1));
            ulong* range = Find(table, start);
            range[0] = last[0];
            range[1] = last[1];
            range[2] = last[2];
            (*table)--;
            Publish(table);
        }
    }

    /// <summary>Names the trap thunk of the code cache that holds it.</summary>
    internal static void SetThunk(nint thunk)
    {
        lock (s_lock)
        {
            ulong* table = CopyTable();
            Find(table, thunk)[2] = (ulong)thunk;
            Publish(table);
        }
    }

    private static ulong* Table => *(ulong**)s_registry.Pointer;

    /// <summary>The range an address lies in.</summary>
    private static ulong* Find(ulong* table, nint address)
    {
        for (ulong i = 0; i < *table; i++)
        {
            ulong* range = table + 1 + (3 * i);
            if ((ulong)address >= range[0] && (ulong)address < range[1])
            {
                return range;
            }
        }

        throw new System.Diagnostics.UnreachableException();
    }

    /// <summary>A copy of the table with room for one range more.</summary>
    private static ulong* CopyTable()
    {
        ulong* registry = (ulong*)s_registry.Pointer;
        ulong used = 1 + (3 * *Table);
        if (registry[1] + used + 3 > RegistryBytes / sizeof(ulong))
        {
            registry[1] = FirstTable;
        }

        ulong* copy = registry + registry[1];
        registry[1] += used + 3;
        new ReadOnlySpan<ulong>(Table, (int)used).CopyTo(new Span<ulong>(copy, (int)used));
        return copy;
    }

    private static void Publish(ulong* table) => Volatile.Write(ref *(ulong*)s_registry.Pointer, (ulong)table);

    private static ExecutableMemory Install()
    {
        // The empty table is word 2, which is zero.
        ulong* registry = (ulong*)s_registry.Pointer;
        registry[1] = FirstTable;
        Publish(registry + 2);
        ExecutableMemory code = ExecutableMemory.Create("bulkhead-traps", 4096);
        CodeWriter w = new();
        byte* segv = EmitHandler(w, code, 0, out int segvOld);
        byte* fpe = EmitHandler(w, code, 1024, out int fpeOld);
        w.Begin(code.Writable + 2048, code.Executable - code.Writable);
        w.RegMem(0x8B, 0, 6, 24); // mov rax, [rsi + 24]: si_value
        w.RegMem(0x8B, 0, 0, 0);
        w.RegReg(0x85, 0, 0);
        int none = w.Jcc(4);
        w.Move(1, 0);
        w.Bytes(0x0F, 0x31); // rdtsc
        w.Shift(4, 2, 32, w: true);
        w.RegReg(0x0B, 0, 2);
        w.RegMem(0x89, 0, 1, 16);
        w.Bytes(0xC7, 0x41, 8); // mov dword [rcx + 8], 1
        w.Int32(1);
        w.Rex(true, 0, 0, 1);
        w.Bytes(0xC7, 0x01); // mov qword [rcx], -1
        w.Int32(-1);
        w.Bind(none);
        w.Byte(0xC3);
        w.Begin(code.Writable + 3072, code.Executable - code.Writable);
        w.Bytes(0x0F, 0x31); // rdtsc
        w.Shift(4, 2, 32, w: true);
        w.RegReg(0x0B, 0, 2);
        w.Byte(0xC3);
        EmitSample(w, code);
        *(nint*)(code.Writable + segvOld) = ThreadProcessorState.InstallHandler(SignalSegv, (nint)segv);
        *(nint*)(code.Writable + fpeOld) = ThreadProcessorState.InstallHandler(SignalFpe, (nint)fpe);
        return code;
    }

    /// <summary>Emits the handler of samples: into the ring of the state whose turn cell the value points to, if any.</summary>
    private static void EmitSample(CodeWriter w, ExecutableMemory code)
    {
        w.Begin(code.Writable + 3584, code.Executable - code.Writable);
        w.RegMem(0x8B, 0, 6, 24); // mov rax, [rsi + 24]: si_value
        w.RegMem(0x8B, 0, 0, 0);
        w.RegReg(0x85, 0, 0);
        int none = w.Jcc(4);
        w.RegImm(5, 0, State.Offsets.Limit); // from the turn cell to the state
        w.RegMem(0x8B, 1, 0, State.Offsets.Samples); // rcx = ring
        w.RegReg(0x85, 1, 1);
        int none2 = w.Jcc(4);
        w.RegMem(0x8B, 6, 1, 0); // rsi = number
        w.Move(7, 6);
        w.RegImm(4, 7, State.SampleRing.Entries - 1);
        w.Shift(4, 7, 5, w: true);
        w.RegReg(0x03, 7, 1); // rdi = entry, less the header
        w.RegMem(0x8B, 8, 2, ContextRip);
        w.RegMem(0x89, 8, 7, State.SampleRing.Header);
        w.RegMem(0x8B, 8, 0, State.Offsets.Activity);
        w.RegImm(4, 8, 0xFF);
        w.RegMem(0x89, 8, 7, State.SampleRing.Header + 8);
        w.RegMem(0x8B, 8, 0, State.Offsets.CodeBase);
        w.RegMem(0x89, 8, 7, State.SampleRing.Header + 16);
        w.RegImm(0, 6, 1);
        w.RegMem(0x89, 6, 1, 0);
        w.Bind(none);
        w.Bind(none2);
        w.Byte(0xC3);
    }

    /// <summary>Emits handler(rdi signal, rsi info, rdx context).</summary>
    private static byte* EmitHandler(CodeWriter w, ExecutableMemory code, int at, out int oldPlace)
    {
        w.Begin(code.Writable + at, code.Executable - code.Writable);
        byte* entry = w.Here;
        w.RegMem(0x8B, 0, 2, ContextRip); // rax = rip
        w.RegMem(0x8B, 1, 2, ContextTrap); // rcx = trap number
        w.MoveConstant(8, 0x0009_2001); // traps 0, 13, 16, 19
        w.RegImm(7, 1, 31);
        int notOurs = w.Jcc(7);
        w.Bytes(0x41, 0x0F, 0xA3); // bt r8d, ecx
        w.Byte(0xC8);
        int notOurs2 = w.Jcc(3);
        w.MoveConstant(8, (ulong)s_registry.Pointer);
        w.RegMem(0x8B, 8, 8, 0); // r8 = table
        w.RegMem(0x8B, 9, 8, 0); // r9 = count
        w.RegImm(0, 8, 8); // r8 = first range
        int loop = w.Length;
        w.RegReg(0x85, 9, 9);
        int end = w.Jcc(4);
        w.RegMem(0x3B, 0, 8, 0); // cmp rax, [start]
        int next = w.Jcc(2);
        w.RegMem(0x3B, 0, 8, 8); // cmp rax, [end]
        int next2 = w.Jcc(3);
        w.RegMem(0x8B, 10, 8, 16); // r10 = thunk
        w.StoreState(State.Offsets.TrapAddress, 0);
        w.StoreState(State.Offsets.TrapVector, 1);
        w.RegMem(0x89, 10, 2, ContextRip);
        w.Byte(0xC3);
        w.Bind(next);
        w.Bind(next2);
        w.RegImm(0, 8, 24);
        w.RegImm(5, 9, 1);
        w.BindTo(w.Jmp(), loop);
        w.Bind(end);
        w.Bind(notOurs);
        w.Bind(notOurs2);
        // jmp [rip + old]
        w.Bytes(0xFF, 0x25);
        w.Int32(0);
        oldPlace = at + w.Length;
        w.UInt64(0);
        return entry;
    }
}
