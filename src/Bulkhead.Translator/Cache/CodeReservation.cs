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
}
