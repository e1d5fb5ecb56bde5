namespace Bulkhead.Machine.Domains;

/// <summary>Exit codes of the process and of each domain.</summary>
public static class ExitCodes
{
    /// <summary>The guest powered off.</summary>
    public const int PowerOff = 0;

    /// <summary>Our error outside the engine, or the host's.</summary>
    public const int Host = 1;

    /// <summary>The guest reset after a panic line.</summary>
    public const int Panic = 10;

    /// <summary>A triple fault.</summary>
    public const int TripleFault = 12;

    /// <summary>Three resets within ten seconds.</summary>
    public const int ResetLoop = 14;

    /// <summary>The guest used what the engine does not offer.</summary>
    public const int Unsupported = 16;

    /// <summary>A bug of ours in the engine or a device.</summary>
    public const int Engine = 18;

    /// <summary>Every vCPU halted with interrupts off.</summary>
    public const int Halted = 20;

    /// <summary>A vCPU neither halted nor took an interrupt for as long as the watchdog allows.</summary>
    public const int Hung = 22;

    /// <summary>The time given by the operator is over.</summary>
    public const int Timeout = 124;

    /// <summary>The operator's terminal is gone.</summary>
    public const int HungUp = 129;

    /// <summary>Interrupted by the operator.</summary>
    public const int Interrupted = 130;

    /// <summary>Stopped by force, or killed, by the operator; as a shell says it of SIGKILL.</summary>
    public const int Killed = 137;

    /// <summary>Told to end by SIGTERM.</summary>
    public const int Terminated = 143;
}
