namespace Bulkhead.Translator.Interpret;

/// <summary>How an interpreted instruction ended.</summary>
internal enum InterpretResult
{
    /// <summary>Done; RIP is already that of the next instruction to execute (also for jumps and string steps cut short).</summary>
    Done,

    /// <summary>It faulted; <c>Interpreter.Fault</c> holds the exception and no state changed (strings: RCX, RSI, RDI hold the progress).</summary>
    Fault,

    /// <summary>HLT: RIP is past it, Activity is Halted.</summary>
    Halt,

    /// <summary>PAUSE, and so many of them that the vCPU seems to wait for another; RIP is past it.</summary>
    Spin,

    /// <summary>Something the engine does not offer; <c>Interpreter.Unsupported</c> names it.</summary>
    Unsupported,
}
