namespace Bulkhead.Translator;

/// <summary>Switches of the translator, fixed when a domain is built, so that tests can compare with and without each.</summary>
public sealed record EngineOptions
{
    /// <summary>The defaults.</summary>
    public static EngineOptions Default { get; } = new();

    /// <summary>Direct jumps between blocks go straight from one to the other.</summary>
    public bool Chain { get; init; } = true;

    /// <summary>Indirect jumps look in a table in emitted code before they ask C#.</summary>
    public bool JumpCache { get; init; } = true;

    /// <summary>CALL and RET use a host return stack.</summary>
    public bool ReturnStack { get; init; } = true;

    /// <summary>Memory operands are first looked for in the page their kind of operand used last.</summary>
    public bool PageSlots { get; init; } = true;

    /// <summary>Runs of instructions that access memory near one base register share one check.</summary>
    public bool SharedChecks { get; init; } = true;

    /// <summary>Blocks go on past conditional jumps and calls, and hold the jumps between their own instructions.</summary>
    public bool LongBlocks { get; init; } = true;

    /// <summary>Pages of user code that were met at a second address are translated so that they run at any.</summary>
    public RelativeCode RelativeCode { get; init; } = RelativeCode.On;

    /// <summary>User code looks for its operands in a window first.</summary>
    public PageWindowsUse PageWindows { get; init; } = PageWindowsUse.On;

    /// <summary>What leads to user code is kept with its address space, where the guest names those by identifiers. Not where instructions
    /// are counted: there a walk of page tables that is left out could show in their accessed bits.</summary>
    public bool ParkedSpaces { get; init; } = true;

    /// <summary>Flag liveness looks into the successors within the page.</summary>
    public bool FlagLookahead { get; init; } = true;

    /// <summary>Flags are exact in the frame of a fault, even where the next instructions overwrite them.</summary>
    public bool ExactFaultFlags { get; init; }

    /// <summary>Hot system instructions (CLI, PUSHF, RDTSC, ...) are emitted instead of interpreted.</summary>
    public bool InlineSystem { get; init; } = true;

    /// <summary>Instructions are counted, so that a clock can be made of them; its vCPUs take turns on one thread.</summary>
    public bool CountInstructions { get; init; }

    /// <summary>Every block is verified before it runs.</summary>
    public bool Verify { get; init; }

    /// <summary>Translations are kept for the next run where there is a place for them.</summary>
    public bool CodeStore { get; init; } = true;

    /// <summary>vCPUs keep what the sampling signal finds them at, and translation is timed.</summary>
    public bool Sample { get; init; }

    /// <summary>The most instructions in one block.</summary>
    public int MaxBlockInstructions { get; init; } = 64;

    /// <summary>A file for a line per dispatched block (<see cref="BlockLog"/>), with the vCPU's number appended; null for none.</summary>
    public string? BlockLogPath { get; init; }

    /// <summary>A directory for a file from which perf names translated code; null for none.</summary>
    public string? JitDumpDirectory { get; init; }

    /// <summary>Whether the block log holds the registers too.</summary>
    public bool BlockLogRegisters { get; init; }

    /// <summary>Bytes of translated code kept; when full, everything is dropped. 0: as the guest's memory asks for (<see cref="For"/>).</summary>
    public int CodeCacheBytes { get; init; }

    /// <summary>The same with what depends on the guest: a cache of a sixteenth of its memory, 64 to 128 MiB, since a large guest runs more code: a Debian on its way to its login has 57 MiB.</summary>
    internal EngineOptions For(ulong memoryBytes) =>
        CodeCacheBytes != 0 ? this : this with { CodeCacheBytes = (int)Math.Clamp(memoryBytes / 16, 64 << 20, 128 << 20) & ~0xFFFFF };

    /// <summary>The same with what emitted code does not depend on as it is by default.</summary>
    internal EngineOptions ForEmission() => this with
    {
        Verify = false, Sample = false, BlockLogPath = null, BlockLogRegisters = false, JitDumpDirectory = null, CodeCacheBytes = 0, CodeStore = true, ParkedSpaces = true,
    };

    private const string Names =
        "chain, jump-cache, parked-spaces, return-stack, page-slots, shared-checks, long-blocks, flag-lookahead, "
        + "exact-fault-flags, inline-system, count, verify, code-store, sample (on or off), relative-code, page-windows (on, off or always), max-block=1..64, cache=1..1024, block-log=FILE, block-log-registers, jit-dump=DIRECTORY";

    /// <summary>Reads <c>name=value,name=value</c>, of <see cref="Names"/>.</summary>
    /// <returns>Null, or what is wrong with the text.</returns>
    public static string? TryParse(string text, out EngineOptions options)
    {
        options = Default;
        foreach (string part in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? part : part[..equals];
            string value = equals < 0 ? "on" : part[(equals + 1)..];
            bool on = value is "on" or "1" or "true";
            int number = int.TryParse(value, out int n) ? n : 0;
            EngineOptions? next = name switch
            {
                "chain" => options with { Chain = on },
                "jump-cache" => options with { JumpCache = on },
                "parked-spaces" => options with { ParkedSpaces = on },
                "return-stack" => options with { ReturnStack = on },
                "shared-checks" => options with { SharedChecks = on },
                "long-blocks" => options with { LongBlocks = on },
                "page-slots" => options with { PageSlots = on },
                "relative-code" => options with { RelativeCode = value == "always" ? RelativeCode.Always : on ? RelativeCode.On : RelativeCode.Off },
                "page-windows" => options with { PageWindows = value == "always" ? PageWindowsUse.Always : on ? PageWindowsUse.On : PageWindowsUse.Off },
                "flag-lookahead" => options with { FlagLookahead = on },
                "exact-fault-flags" => options with { ExactFaultFlags = on },
                "inline-system" => options with { InlineSystem = on },
                "count" => options with { CountInstructions = on },
                "verify" => options with { Verify = on },
                "code-store" => options with { CodeStore = on },
                "sample" => options with { Sample = on },
                "max-block" when number is >= 1 and <= 64 => options with { MaxBlockInstructions = number },
                "cache" when number is >= 1 and <= 1024 => options with { CodeCacheBytes = number << 20 },
                "block-log" => options with { BlockLogPath = value },
                "block-log-registers" => options with { BlockLogRegisters = on },
                "jit-dump" when value.Length > 0 => options with { JitDumpDirectory = value },
                _ => null,
            };
            if (next is null)
            {
                return $"'{part}' is not an engine option; there are {Names}.";
            }

            options = next;
        }

        return null;
    }
}
