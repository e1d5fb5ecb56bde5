using Bulkhead.Core.Time;
using Bulkhead.Host;
using Bulkhead.X86.Engine;

namespace Bulkhead.Machine.Domains;

/// <summary>One VM: its vCPUs and its life from power-up over resets to the end.</summary>
/// <remarks>
/// <para>A reset or a stop is asked for from any thread. Each worker parks the domain's vCPUs it holds; whoever parks the last
/// one has it carried out on the control thread, when nothing of the domain runs. Other domains of that worker go on.</para>
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
    private volatile bool _sawPanic;
    private DomainResult? _ending;
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
    public bool SawPanic => _sawPanic;

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

            if (_sawPanic)
            {
                _ending = new DomainResult(Name, ExitCodes.Panic, "the guest panicked and reset");
            }
            else if (_resets.Count >= ResetLoopCount)
            {
                _ending = new DomainResult(Name, ExitCodes.ResetLoop, $"{ResetLoopCount} resets within {ResetLoopWindowNs / 1_000_000_000} s");
            }

            _asked = true;
        }

        PokeAll();
    }

    /// <summary>The guest powered off.</summary>
    public void RequestPowerOff() => Stop(ExitCodes.PowerOff, "powered off");

    /// <summary>Ends the domain; the first reason given counts.</summary>
    public void Stop(int exitCode, string message)
    {
        lock (_lock)
        {
            if (_ending is null && _result is null)
            {
                _ending = new DomainResult(Name, exitCode, message);
            }

            _asked = true;
        }

        PokeAll();
    }

    /// <summary>Presses the ACPI power button; a guest that listens shuts down.</summary>
    public void PressPowerButton() => _board?.AcpiPm.PressPowerButton();

    /// <summary>Offers console input; returns how many bytes were taken.</summary>
    public int SendInput(ReadOnlySpan<byte> data) => _board?.Serial.Receive(data) ?? 0;

    internal void RaiseInputRoom() => InputRoom?.Invoke();

    /// <summary>The serial line carried a panic message.</summary>
    internal void NotePanic() => _sawPanic = true;

    /// <summary>A worker parked one more of the vCPUs; the last one carries out what was asked.</summary>
    internal void OnParked()
    {
        bool ends;
        lock (_lock)
        {
            if (++_parked < _vcpus.Length)
            {
                return;
            }

            ends = _ending is not null;
        }

        if (ends)
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
        DomainResult? ending;
        lock (_lock)
        {
            ending = _ending;
        }

        ending ??= TryReset();

        if (ending is not null)
        {
            _result = ending;
            Ended?.Invoke(ending);
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
            _sawPanic = false;
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
}
