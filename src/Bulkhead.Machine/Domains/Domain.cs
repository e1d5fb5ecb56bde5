using Bulkhead.Core;
using Bulkhead.Core.Memory;
using Bulkhead.Core.Time;
using Bulkhead.Host;
using Bulkhead.Machine.Devices;
using Bulkhead.X86.Engine;
using Bulkhead.X86.State;

namespace Bulkhead.Machine.Domains;

/// <summary>One VM: its vCPUs and its lives, each from a start over resets to the end.</summary>
/// <remarks>
/// <para>Its name, clock, vCPUs and their places on host CPUs stay; RAM, engine and board are new in every life.</para>
/// <para>A reset or a stop is asked for from any thread. Each worker parks the domain's vCPUs it holds; whoever parks the last
/// one has it carried out on the control thread, when nothing of the domain runs (an end that needs no explaining: at once).
/// Other domains of that worker go on.</para>
/// <para><i>Locks</i>, in order: a device's, then the interrupt router's and the local APIC's, then a timer queue's, then
/// <see cref="Domain"/>'s. The last is taken for a few assignments only, never around a call out.</para>
/// </remarks>
public sealed class Domain : IDisposable
{
    private const long ResetLoopWindowNs = 10_000_000_000;
    private const int ResetLoopCount = 3;

    private readonly Lock _lock = new();
    private readonly VcpuSlot[] _vcpus;
    private readonly Action<Domain> _powerUp;
    private readonly Action<Domain>? _assemble;
    private readonly Action<Action> _control;
    private readonly Queue<long> _resets = new();
    private volatile bool _asked;
    private volatile bool _paused;
    private volatile bool _off = true;
    private volatile string? _panic;
    private Ending? _ending;
    private volatile DomainResult? _result;
    private volatile Board? _board;
    private int _parked;

    /// <summary>Creates a domain that is off.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="vcpus">How many vCPUs it has.</param>
    /// <param name="clock">Its time.</param>
    /// <param name="powerUp">Makes the board and loads the guest, at every start and reset.</param>
    /// <param name="control">Runs resets and ends that need explaining, away from the workers where it can.</param>
    /// <param name="assemble">Makes what is new in every life: RAM and engine; null where <see cref="Attach"/> was called for the one
    /// life it has.</param>
    internal Domain(string name, int vcpus, IClock clock, Action<Domain> powerUp, Action<Action>? control = null, Action<Domain>? assemble = null)
    {
        Name = name;
        Clock = clock;
        _powerUp = powerUp;
        _assemble = assemble;
        _control = control ?? (static action => action());
        _vcpus = new VcpuSlot[vcpus];
        for (int i = 0; i < vcpus; i++)
        {
            _vcpus[i] = new VcpuSlot(this, i);
            _vcpus[i].Park();
        }
    }

    /// <summary>Raised when the guest may take console input again that <see cref="SendInput"/> refused.</summary>
    public event Action? InputRoom;

    /// <summary>Raised at the end of every life, on a worker's or the control thread.</summary>
    public event Action<DomainResult>? Ended;

    /// <summary>Raised with what an operator should know of it while it runs, its name first; on any thread, which it must not hold up.</summary>
    public event Action<string>? Noted;

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Its time.</summary>
    public IClock Clock { get; }

    /// <summary>Its vCPUs.</summary>
    public IReadOnlyList<VcpuSlot> Vcpus => _vcpus;

    /// <summary>How its last life ended, or null while it lives or where it was never started.</summary>
    public DomainResult? Result => _result;

    /// <summary>Whether it was not started yet, or ended.</summary>
    public bool IsOff => _off;

    /// <summary>Whether its vCPUs are held still.</summary>
    public bool IsPaused => _paused;

    /// <summary>How often it was reset.</summary>
    public int Resets { get; private set; }

    /// <summary>Whether the guest printed a panic since the last reset.</summary>
    public bool SawPanic => _panic is not null;

    internal VcpuSlot[] Slots => _vcpus;

    /// <summary>The chipset since the last power-up.</summary>
    internal Board? Board
    {
        get => _board;
        set => _board = value;
    }

    /// <summary>Whether its vCPUs are to park.</summary>
    internal bool IsAsked => _asked;

    /// <summary>What else ends with the life: engine, RAM.</summary>
    internal List<IDisposable> Owned { get; } = [];

    /// <summary>Its RAM, where a crash may be explained from it.</summary>
    internal GuestMemory? Memory { get; set; }

    /// <summary>Gives the vCPUs their engines; the domain disposes them.</summary>
    internal void Attach(Func<VcpuSlot, IVcpu> factory)
    {
        foreach (VcpuSlot slot in _vcpus)
        {
            slot.Attach(factory(slot));
        }
    }

    /// <summary>Switches it on: a machine as new, the guest loaded, every vCPU ready.</summary>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> where a file cannot be read or the host refuses memory; it stays off.
    /// <i>Threading</i>: the control thread, while it is off.</remarks>
    public void Start()
    {
        if (!_off)
        {
            throw new InvalidOperationException($"{Name} is running.");
        }

        try
        {
            if (_assemble is not null)
            {
                Release();
                _assemble(this);
            }

            _powerUp(this);
        }
        catch
        {
            Release();
            throw;
        }

        lock (_lock)
        {
            (_result, _ending, _panic) = (null, null, null);
            _resets.Clear();
            _parked = 0;
            (_asked, _paused, _off) = (false, false, false);
        }

        foreach (VcpuSlot slot in _vcpus)
        {
            slot.Unpark();
        }
    }

    /// <summary>Gives RAM and engine back, of a life that ended.</summary>
    /// <remarks><i>Threading</i>: the control thread, while it is off.</remarks>
    public void Release()
    {
        _board?.Dispose();
        _board = null;
        Memory = null;
        foreach (VcpuSlot slot in _vcpus)
        {
            slot.Vcpu?.Dispose();
        }

        foreach (IDisposable owned in Owned)
        {
            owned.Dispose();
        }

        Owned.Clear();
    }

    /// <summary>Holds its vCPUs still; its time goes on.</summary>
    public void Pause()
    {
        _paused = true;
        PokeAll();
    }

    /// <summary>Lets them go on.</summary>
    public void Resume()
    {
        _board?.NoteStopped();
        _paused = false;
        foreach (VcpuSlot slot in _vcpus)
        {
            slot.Wake();
        }
    }

    /// <summary>Ends the domain if a vCPU ran for <paramref name="limitNs"/> without halting or taking an interrupt.</summary>
    /// <remarks>Time in which others had the CPU does not count. <i>Threading</i>: the control thread, a few times per limit.</remarks>
    public void EndIfHung(long limitNs)
    {
        foreach (VcpuSlot slot in _vcpus)
        {
            if (slot.StalledNs() >= limitNs)
            {
                Crash(ExitCodes.Hung, $"watchdog: vCPU {slot.Index} ran {Quantity.FormatDuration(slot.StalledNs())} without halting or taking an interrupt", slot);
                return;
            }
        }
    }

    /// <summary>The guest asked for a reset.</summary>
    public void RequestReset()
    {
        long now = Clock.NowNs;
        lock (_lock)
        {
            if (_asked)
            {
                return;
            }

            _resets.Enqueue(now);
            while (now - _resets.Peek() > ResetLoopWindowNs)
            {
                _ = _resets.Dequeue();
            }

            if (_panic is { } words)
            {
                _ending = new Ending(ExitCodes.Panic, $"the guest panicked{words}", IsCrash: true, null);
            }
            else if (_resets.Count >= ResetLoopCount)
            {
                _ending = new Ending(
                    ExitCodes.ResetLoop, $"the guest resets again and again ({ResetLoopCount} times within {ResetLoopWindowNs / 1_000_000_000} s)", IsCrash: true, null);
            }

            _asked = true;
        }

        PokeAll();
    }

    /// <summary>The guest powered off.</summary>
    public void RequestPowerOff() => Stop(ExitCodes.PowerOff, "powered off");

    /// <summary>Ends the domain, if it is on; the first reason given counts.</summary>
    public void Stop(int exitCode, string message) => Stop(new Ending(exitCode, message, IsCrash: false, null));

    /// <summary>Ends the domain because of what a vCPU did; the message goes on with where that was.</summary>
    internal void Crash(int exitCode, string message, VcpuSlot culprit) => Stop(new Ending(exitCode, message, IsCrash: true, culprit));

    private void Stop(Ending ending)
    {
        lock (_lock)
        {
            if (_off)
            {
                return;
            }

            _ending ??= ending;
            _asked = true;
        }

        PokeAll();
    }

    /// <summary>Presses the ACPI power button; a guest that listens shuts down.</summary>
    public void PressPowerButton() => _board?.AcpiPm.PressPowerButton();

    /// <summary>Makes a disk larger, and tells the guest; how many bytes it has then.</summary>
    /// <param name="disk">Its number from 0, in the order of the request.</param>
    /// <param name="sizeOf">The new size, of the present one.</param>
    /// <remarks><i>Errors</i>: <see cref="OperatorException"/> where it is off, has no such disk, or that cannot grow. <i>Threading</i>: the
    /// control thread; requests of the guest go on meanwhile.</remarks>
    public long GrowDisk(int disk, Func<long, long> sizeOf)
    {
        ArgumentNullException.ThrowIfNull(sizeOf);
        long size = _board is { } board && !_off
            ? board.GrowDisk(disk, sizeOf)
            : throw new OperatorException($"{Name} is not running; give its image another size by 'bulkhead disk resize'.");
        _board?.NoteGrown(disk); // of now: it may have been reset
        return size;
    }

    /// <summary>What its display shows; null where it has none, or is off.</summary>
    /// <remarks><i>Threading</i>: the control thread.</remarks>
    public Screenshot? Screenshot() => _board?.Display is { } display ? new Screenshot(display.Capture()) : null;

    /// <summary>Whether it has a keyboard.</summary>
    public bool HasKeyboard => _board?.Keyboard is not null;

    /// <summary>Types the next key on its keyboard; false where the guest has yet to take what came before, or it has none.</summary>
    public bool TryType(KeySequence keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        return _board?.Keyboard is { } keyboard && keys.TryType(keyboard);
    }

    /// <summary>Offers console input; returns how many bytes were taken.</summary>
    public int SendInput(ReadOnlySpan<byte> data) => _board?.Serial.Receive(data) ?? 0;

    /// <summary>Types at its virtio console, where it has one whose output is taken; how many bytes were taken.</summary>
    /// <remarks><i>Threading</i>: any thread.</remarks>
    public int SendConsoleInput(ReadOnlySpan<byte> data) => _board?.Viewers?.Type(data) ?? 0;

    /// <summary>Tells the guest how large that console is from now on.</summary>
    /// <remarks><i>Threading</i>: any thread.</remarks>
    public void ResizeConsole(ushort columns, ushort rows) => _board?.Viewers?.Resize(columns, rows);

    /// <summary>A worker's vCPU halted with interrupts off. If all did, and nothing they cannot mask can come, it is over.</summary>
    internal void NoteStuck()
    {
        foreach (VcpuSlot other in _vcpus)
        {
            if (!other.IsStuck)
            {
                return;
            }
        }

        if (_board is { CanInterruptMasked: false })
        {
            (int code, string what) = _panic is { } words
                ? (ExitCodes.Panic, $"the guest panicked{words}, and halted")
                : (ExitCodes.Halted, "the guest halted for good: every vCPU is in HLT with interrupts off, and no NMI can come");
            Stop(new Ending(code, what, IsCrash: true, null));
        }
    }

    internal void Note(string text) => Noted?.Invoke(text);

    internal void RaiseInputRoom() => InputRoom?.Invoke();

    /// <summary>The serial line carried a panic message; the reason is empty where it broke off.</summary>
    internal void NotePanic(string reason) => _panic = reason.Length == 0 ? _panic ?? string.Empty : $": {reason}";

    /// <summary>A worker parked one more of the vCPUs; the last one carries out what was asked.</summary>
    internal void OnParked()
    {
        bool atOnce;
        lock (_lock)
        {
            if (++_parked < _vcpus.Length)
            {
                return;
            }

            atOnce = _ending is { IsCrash: false };
        }

        if (atOnce)
        {
            CarryOut();
        }
        else
        {
            _control(CarryOut);
        }
    }

    private void CarryOut()
    {
        Ending? ending;
        lock (_lock)
        {
            ending = _ending;
        }

        DomainResult? result = ending is null ? TryReset() : new DomainResult(Name, ending.ExitCode, Words(ending));
        if (result is not null)
        {
            _result = result;
            _off = true;
            Ended?.Invoke(result);
            return;
        }

        // A Stop that came meanwhile is still in _ending: park again.
        lock (_lock)
        {
            _parked = 0;
            _asked = _ending is not null;
        }

        foreach (VcpuSlot slot in _vcpus)
        {
            slot.Unpark();
        }
    }

    private string Words(Ending ending)
    {
        if (!ending.IsCrash)
        {
            return ending.Message;
        }

        // A guest that resets does so on the one vCPU that is not halted; one that never got going tells nothing.
        VcpuSlot culprit = ending.Culprit
            ?? Array.Find(_vcpus, static v => v.Vcpu.Registers.Activity == (byte)ActivityState.Active)
            ?? Array.Find(_vcpus, static v => v.Vcpu.Registers.Activity == (byte)ActivityState.Halted)
            ?? _vcpus[0];
        try
        {
            return Autopsy.Describe(culprit, ending.Message, Memory);
        }
#pragma warning disable CA1031 // The root of an end: it reads what a guest left behind, and a bug in that must not keep the domain from ending.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return $"{ending.Message}; where it was cannot be told: {e}";
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Release();

    private DomainResult? TryReset()
    {
        try
        {
            _panic = null;
            Resets++;
            _powerUp(this);
            return null;
        }
        catch (OperatorException e)
        {
            return new DomainResult(Name, e.ExitCode, e.Message);
        }
#pragma warning disable CA1031 // The root of a reset: a bug of ours ends this domain, not the process.
        catch (Exception e)
#pragma warning restore CA1031
        {
            return new DomainResult(Name, ExitCodes.Engine, $"reset failed: {e}");
        }
    }

    private void PokeAll()
    {
        // Before looking whom to poke: a worker that gets a vCPU from another looks after that at what is wanted of it.
        Interlocked.MemoryBarrier();
        foreach (VcpuSlot slot in _vcpus)
        {
            slot.Vcpu?.EndTurn(); // null before the first start
            slot.Worker?.Poke(null);
        }
    }

    /// <summary>How it is to end; a crash is explained when nothing of the domain runs.</summary>
    private sealed record Ending(int ExitCode, string Message, bool IsCrash, VcpuSlot? Culprit);
}
