using Bulkhead.Host.Memory;
using Bulkhead.Host.Processor;

namespace Bulkhead.Translator.Emit;

/// <summary>The process's signal handlers for translated code: emitted, because C# must never run inside a signal.</summary>
/// <remarks>
/// <para>SIGFPE and SIGSEGV: where the interrupted RIP lies in a registered code cache and the trap is the guest's own
/// (0 #DE, 13 misaligned SSE, 16 x87, 19 SIMD), the handler stores address and vector in the vCPU's state (GS) and sends
/// the thread to the trap thunk; everything else goes to the runtime's handler.</para>
/// <para>The registry is the process's, like the handlers: append-only, native (decision record 0002).</para>
/// </remarks>
internal static unsafe class TrapHandler
{
    private const int MaxRanges = 256;
    private const int SignalSegv = 11;
    private const int SignalFpe = 8;

    // ucontext_t of Linux x86-64: gregs start at 40; REG_RIP is 16, REG_TRAPNO 20.
    private const int ContextRip = 40 + (16 * 8);
    private const int ContextTrap = 40 + (20 * 8);

    private static readonly Lock s_lock = new();
    private static readonly PrivateMemory s_registry = new(sizeof(ulong) * (2 + (3 * MaxRanges)));
    private static readonly ExecutableMemory s_code = Install();

    /// <summary>Native handler void(int, siginfo*, void*) for a turn timer: its value points to a word that holds a turn cell or 0.</summary>
    internal static nint TurnEnd => (nint)s_code.Executable + 2048;

    /// <summary>The host's TSC.</summary>
    internal static ulong ReadTsc() => ((delegate* unmanaged<ulong>)(s_code.Executable + 3072))();

    /// <summary>Adds a code cache; its trap thunk is set later by <see cref="SetThunk"/>.</summary>
    internal static void Register(nint start, int bytes)
    {
        lock (s_lock)
        {
            ulong* registry = (ulong*)s_registry.Pointer;
            ulong count = registry[0];
            if (count == MaxRanges)
            {
                throw new Bulkhead.Host.OperatorException($"More than {MaxRanges} domains in one process.");
            }

            ulong* range = registry + 2 + (count * 3);
            range[0] = (ulong)start;
            range[1] = (ulong)start + (ulong)bytes;
            range[2] = 0;
            Volatile.Write(ref registry[0], count + 1);
            GC.KeepAlive(s_code);
        }
    }

    /// <summary>Names the trap thunk of the code cache that holds it.</summary>
    internal static void SetThunk(nint thunk)
    {
        lock (s_lock)
        {
            ulong* registry = (ulong*)s_registry.Pointer;
            for (ulong i = registry[0]; i-- > 0;)
            {
                ulong* range = registry + 2 + (i * 3);
                if ((ulong)thunk >= range[0] && (ulong)thunk < range[1])
                {
                    Volatile.Write(ref range[2], (ulong)thunk);
                    return;
                }
            }
        }
    }

    private static ExecutableMemory Install()
    {
        ExecutableMemory code = ExecutableMemory.Create("bulkhead-traps", 4096);
        CodeWriter w = new();
        byte* segv = EmitHandler(w, code, 0, out int segvOld);
        byte* fpe = EmitHandler(w, code, 1024, out int fpeOld);
        w.Begin(code.Writable + 2048, code.Executable - code.Writable);
        w.RegMem(0x8B, 0, 6, 24); // mov rax, [rsi + 24]: si_value
        w.RegMem(0x8B, 0, 0, 0);
        w.RegReg(0x85, 0, 0);
        int none = w.Jcc(4);
        w.Bytes(0xC7, 0x40, 8); // mov dword [rax + 8], 1
        w.Int32(1);
        w.Rex(true, 0, 0, 0);
        w.Bytes(0xC7, 0x00); // mov qword [rax], -1
        w.Int32(-1);
        w.Bind(none);
        w.Byte(0xC3);
        w.Begin(code.Writable + 3072, code.Executable - code.Writable);
        w.Bytes(0x0F, 0x31); // rdtsc
        w.Shift(4, 2, 32, w: true);
        w.RegReg(0x0B, 0, 2);
        w.Byte(0xC3);
        *(nint*)(code.Writable + segvOld) = ThreadProcessorState.InstallHandler(SignalSegv, (nint)segv);
        *(nint*)(code.Writable + fpeOld) = ThreadProcessorState.InstallHandler(SignalFpe, (nint)fpe);
        return code;
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
        w.RegMem(0x8B, 9, 8, 0); // r9 = count
        w.RegImm(0, 8, 16); // r8 = first range
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
