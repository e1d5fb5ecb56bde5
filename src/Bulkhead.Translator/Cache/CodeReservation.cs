using Bulkhead.Host.Memory;

namespace Bulkhead.Translator.Cache;

/// <summary>Creates code caches and tells the process's signal handlers where they are.</summary>
internal static unsafe class CodeReservation
{
    /// <summary>Creates a code cache that the fault handler knows.</summary>
    internal static ExecutableMemory Create(int bytes)
    {
        ExecutableMemory code = ExecutableMemory.Create("bulkhead-code", (ulong)bytes);
        Emit.TrapHandler.Register((nint)code.Executable, bytes);
        return code;
    }

    /// <summary>Gives a code cache back; a second time does nothing.</summary>
    internal static void Release(ExecutableMemory code)
    {
        if (code.Executable is not null)
        {
            Emit.TrapHandler.Unregister((nint)code.Executable);
            code.Dispose();
        }
    }
}
