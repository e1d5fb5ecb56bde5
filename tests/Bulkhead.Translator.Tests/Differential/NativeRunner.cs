using System.Runtime.InteropServices;
using Bulkhead.Host;
using static Bulkhead.Translator.Tests.Differential.NativeMethods;

namespace Bulkhead.Translator.Tests.Differential;

/// <summary>Runs one instruction on this CPU, in this process: the oracle.</summary>
/// <remarks>
/// <para>Owns the arena's addresses and the process's handlers of the four fault signals while it lives; the creator disposes it.
/// One at a time, one thread.</para>
/// </remarks>
internal sealed unsafe class NativeRunner : ITranslatedRunner, IDisposable
{
    // SIGILL, SIGBUS, SIGFPE, SIGSEGV.
    private static readonly int[] s_signals = [4, 7, 8, 11];

    private readonly SignalAction[] _previous = new SignalAction[s_signals.Length];
    private readonly List<(ulong Address, int Bytes)> _maps = [];
    private bool _installed;

    /// <summary>Maps the arena and the trampoline, and takes the fault signals.</summary>
    internal void Open()
    {
        Map(Arena.Data, Arena.DataBytes, ProtRead | ProtWrite);
        Map(Arena.ReadOnly, Arena.ReadOnlyBytes, ProtRead);
        Map(Arena.Code, 0x1000, ProtRead | ProtWrite | ProtExec);
        Map(Trampoline.Enter, Trampoline.CodeBytes, ProtRead | ProtWrite | ProtExec);
        Map(Trampoline.SignalStack, Trampoline.SignalStackBytes, ProtRead | ProtWrite);
        Map(Trampoline.Block, Trampoline.BlockBytes, ProtRead | ProtWrite);

        // SAFETY: mapped just above at these constants, with room for each part; only this class writes them.
        Trampoline.BuildEnter().CopyTo(At(Trampoline.Enter, 0x400));
        Trampoline.BuildLeave().CopyTo(At(Trampoline.Leave, 0x400));
        Trampoline.BuildHandler().CopyTo(At(Trampoline.Handler, 0x400));
        for (int i = 0; i < s_signals.Length; i++)
        {
            SignalAction old;
            _ = Sigaction(s_signals[i], null, &old);
            if (old.Handler is 0 or 1)
            {
                throw new OperatorException($"Signal {s_signals[i]} has no handler to hand on to.");
            }

            _previous[i] = old;
            ((nint*)Trampoline.Previous)[s_signals[i]] = old.Handler;
            SignalAction action = old;
            action.Handler = (nint)Trampoline.Handler;
            action.Flags |= SaSiginfo | SaOnstack;
            _ = Sigaction(s_signals[i], &action, null);
        }

        _installed = true;
    }

    /// <inheritdoc/>
    public Result Run(Case value)
    {
        value.Memory.AsSpan(0, Arena.DataBytes).CopyTo(At(Arena.Data, Arena.DataBytes));
        SetReadOnly(value.Memory.AsSpan(Arena.DataBytes));
        Span<byte> code = At(Arena.Code, Arena.CodeBytes + 16);
        value.Bytes.CopyTo(code);
        code[value.Bytes.Length] = 0xE9;
        long rel = (long)Trampoline.Leave - (long)(Arena.Code + (ulong)value.Bytes.Length + 5);
        MemoryMarshal.Write(code[(value.Bytes.Length + 1)..], (int)rel);
        CpuState* state = (CpuState*)Trampoline.State;
        *state = value.State;
        *(ulong*)Trampoline.Vector = ulong.MaxValue;

        // RSP may point anywhere, so no signal may come but a fault's, whose handler has a stack of its own.
        SignalSet all, old;
        for (int i = 0; i < 16; i++)
        {
            all.Bits[i] = ulong.MaxValue;
        }

        foreach (int signal in s_signals)
        {
            all.Bits[0] &= ~(1UL << (signal - 1));
        }

        var stack = new SignalStack { Pointer = (nint)Trampoline.SignalStack, Bytes = Trampoline.SignalStackBytes };
        SignalStack oldStack;
        _ = PthreadSigmask(SigSetmask, &all, &old);
        _ = Sigaltstack(&stack, &oldStack);
        ((delegate* unmanaged<void>)Trampoline.Enter)();
        _ = Sigaltstack(&oldStack, null);
        _ = PthreadSigmask(SigSetmask, &old, null);

        byte[] memory = new byte[Arena.MemoryBytes];
        At(Arena.Data, Arena.DataBytes).CopyTo(memory);
        At(Arena.ReadOnly, Arena.ReadOnlyBytes).CopyTo(memory.AsSpan(Arena.DataBytes));
        int vector = (int)*(long*)Trampoline.Vector;
        bool pageFault = vector == 14;
        int at = vector >= 0 ? (int)(*(ulong*)Trampoline.FaultRip - Arena.Code) : value.Bytes.Length;
        return new Result(*state, memory, vector, at, pageFault ? *(uint*)Trampoline.ErrorCode : 0, pageFault ? *(ulong*)Trampoline.Cr2 : 0);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_installed)
        {
            for (int i = 0; i < s_signals.Length; i++)
            {
                SignalAction action = _previous[i];
                _ = Sigaction(s_signals[i], &action, null);
            }

            _installed = false;
        }

        foreach ((ulong address, int bytes) in _maps)
        {
            _ = Munmap((void*)address, (nuint)bytes);
        }

        _maps.Clear();
    }

    private static Span<byte> At(ulong address, int bytes) => new((void*)address, bytes);

    private static void SetReadOnly(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.SequenceEqual(At(Arena.ReadOnly, Arena.ReadOnlyBytes)))
        {
            _ = Mprotect((void*)Arena.ReadOnly, Arena.ReadOnlyBytes, ProtRead | ProtWrite);
            bytes.CopyTo(At(Arena.ReadOnly, Arena.ReadOnlyBytes));
            _ = Mprotect((void*)Arena.ReadOnly, Arena.ReadOnlyBytes, ProtRead);
        }
    }

    private void Map(ulong address, int bytes, int protection)
    {
        void* p = Mmap((void*)address, (nuint)bytes, protection, MapPrivate | MapAnonymous | MapFixedNoReplace, -1, 0);
        if (p != (void*)address)
        {
            throw new OperatorException($"The host could not map {bytes} bytes at {address:X} (errno {Marshal.GetLastPInvokeError()}).");
        }

        _maps.Add((address, bytes));
    }
}
