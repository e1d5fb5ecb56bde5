using Bulkhead.Core.Memory;
using Bulkhead.Core.Time;
using Bulkhead.Host;
using Bulkhead.X86.Engine;
using Bulkhead.X86.State;

namespace Bulkhead.Machine.Domains;

/// <summary>One VM: its vCPUs and its life from power-up over resets to the end.</summary>
/// <remarks>
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
    private readonly Action<Action> _control;
    private readonly Queue<long> _resets = new();
    private volatile bool _asked;
    private volatile string? _panic;
    private Ending? _ending;
    private volatile DomainResult? _result;
    private volatile Board? _board;
    private int _parked;

    /// <summary>Creates a domain; <paramref name="control"/> runs resets, away from the workers where it can.</summary>
    internal Domain(string name, int vcpus, IClock clock, Action<Domain> powerUp, Action<Action>? control = null)
    {
        Name = name;
        Clock = clock;
        _powerUp = powerUp;
        _control = control ?? (static action => action());
        _vcpus = new VcpuSlot[vcpus];
        for (int i = 0; i < vcpus; i++)
        {
            _vcpus[i] = new VcpuSlot(this, i);
        }
    }

    /// <summary>Raised when the guest may take console input again that <see cref="SendInput"/> refused.</summary>
    public event Action? InputRoom;

    /// <summary>Raised once, on a worker's or the control thread, when the domain ended.</summary>
    public event Action<DomainResult>? Ended;

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Its time.</summary>
    public IClock Clock { get; }

    /// <summary>Its vCPUs.</summary>
    public IReadOnlyList<VcpuSlot> Vcpus => _vcpus;

    /// <summary>How it ended, or null while it lives.</summary>
    public DomainResult? Result => _result;

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

    /// <summary>What else ends with the domain: RAM, the board.</summary>
    internal List<IDisposable> Owned { get; } = [];

    /// <summary>Its RAM, where a crash may be explained from it.</summary>
    internal GuestMemory? Memory { get; set; }

    /// <summary>Gives the vCPUs their engines; the domain disposes them.</summary>
    internal void Attach(Func<VcpuSlot, IVcpu> factory)
    {
        foreach (VcpuSlot slot in _vcpus)
        {
            slot.Vcpu = factory(slot);
        }
    }

    /// <summary>Builds the board, loads the guest, and makes every vCPU ready; before workers start.</summary>
    internal void PowerUp()
    {
        _powerUp(this);
        foreach (VcpuSlot slot in _vcpus)
        {
            slot.Wake();
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

    /// <summary>Ends the domain; the first reason given counts.</summary>
    public void Stop(int exitCode, string message) => Stop(new Ending(exitCode, message, IsCrash: false, null));

    /// <summary>Ends the domain because of what a vCPU did; the message goes on with where that was.</summary>
    internal void Crash(int exitCode, string message, VcpuSlot culprit) => Stop(new Ending(exitCode, message, IsCrash: true, culprit));

    private void Stop(Ending ending)
    {
        lock (_lock)
        {
            if (_ending is null && _result is null)
            {
                _ending = ending;
            }

            _asked = true;
        }

        PokeAll();
    }

    /// <summary>Presses the ACPI power button; a guest that listens shuts down.</summary>
    public void PressPowerButton() => _board?.AcpiPm.PressPowerButton();

    /// <summary>Offers console input; returns how many bytes were taken.</summary>
    public int SendInput(ReadOnlySpan<byte> data) => _board?.Serial.Receive(data) ?? 0;

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
        return Autopsy.Describe(culprit, ending.Message, Memory);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (VcpuSlot slot in _vcpus)
        {
            slot.Vcpu?.Dispose();
        }

        foreach (IDisposable owned in Owned)
        {
            owned.Dispose();
        }
    }

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
        foreach (VcpuSlot slot in _vcpus)
        {
            slot.Vcpu.EndTurn();
            slot.Worker?.Poke(null);
        }
    }

    /// <summary>How it is to end; a crash is explained when nothing of the domain runs.</summary>
    private sealed record Ending(int ExitCode, string Message, bool IsCrash, VcpuSlot? Culprit);
}
