using System.Numerics;
using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;
using Bulkhead.Core.Time;

namespace Bulkhead.Devices.Chipset;

/// <summary>A vCPU's local APIC: xAPIC page, x2APIC MSRs, timer, and the PIC behind LINT0.</summary>
/// <remarks>
/// <para><i>Threading</i>: registers, acknowledge and task priority on the vCPU's thread. Messages arrive from any thread
/// and take no lock: IRR and TMR are changed with interlocked operations, then <c>_changes</c> moves, then the vCPU is kicked.
/// The timer has a small lock of its own, under which only the timer queue is called.</para>
/// <para><i>Cost</i>: <see cref="HasPending"/> is two loads while nothing changed.</para>
/// <para><i>Source</i>: Intel SDM Vol. 3A, Chapter 11 Advanced Programmable Interrupt Controller (APIC).</para>
/// </remarks>
public sealed partial class LocalApic : IIoDevice, IInterruptController, ITimerClient
{
    private const ulong BaseAddress = 0xFEE0_0000;
    private const uint BaseBootstrap = 1 << 8;
    private const uint BaseX2Apic = 1 << 10;
    private const uint BaseEnable = 1 << 11;
    private const uint SoftwareEnable = 1 << 8;
    private const uint LvtMasked = 1 << 16;

    private readonly ApicBus _bus;
    private readonly IClock _clock;
    private readonly ITimerQueue _timers;
    private readonly IVcpuSignals _signals;
    private readonly bool _offerX2Apic;

    private readonly uint[] _irr = new uint[8];
    private readonly uint[] _tmr = new uint[8];
    private readonly uint[] _isr = new uint[8];
    private readonly uint[] _lvt = new uint[6];

    // Whoever makes an interrupt deliverable moves _changes afterwards; a look that finds nothing records in _settled
    // the value it started from. Equal means: nothing deliverable. No order of two looks and a change can hide one.
    private int _changes = 1;
    private int _settled;

    private volatile uint _base;
    private volatile uint _svr;
    private volatile uint _ldr;
    private volatile uint _dfr;
    private volatile int _tpr;
    private volatile int _inService;
    private long _acknowledged;
    private volatile bool _lint0High;
    private volatile bool _lint1High;
    private uint _icrLow;
    private uint _icrHigh;
    private uint _errors;
    private uint _errorStatus;

    /// <summary>The APIC of one vCPU; the caller adds it to <paramref name="bus"/>.</summary>
    /// <param name="id">The APIC ID.</param>
    /// <param name="isBootstrap">Whether this is the bootstrap processor, which has the PIC on LINT0.</param>
    /// <param name="bus">Where messages go.</param>
    /// <param name="clock">The domain's clock.</param>
    /// <param name="timers">The queue for this vCPU's timer.</param>
    /// <param name="signals">The vCPU.</param>
    /// <param name="offerX2Apic">Whether the guest may enable x2APIC mode.</param>
    public LocalApic(
        uint id, bool isBootstrap, ApicBus bus, IClock clock, ITimerQueue timers, IVcpuSignals signals, bool offerX2Apic = true)
    {
        Id = id;
        IsBootstrap = isBootstrap;
        _bus = bus;
        _clock = clock;
        _timers = timers;
        _signals = signals;
        _offerX2Apic = offerX2Apic;
        PowerUp();
    }

    /// <summary>The APIC ID.</summary>
    public uint Id { get; }

    /// <summary>Whether this is the bootstrap processor.</summary>
    public bool IsBootstrap { get; }

    /// <inheritdoc/>
    public bool HasPending => Volatile.Read(ref _changes) != Volatile.Read(ref _settled) && LookSlow();

    /// <inheritdoc/>
    public byte TaskPriority
    {
        get => (byte)(_tpr >> 4);
        set => SetTpr((value & 15) << 4);
    }

    internal bool AcceptsFixed => (_base & BaseEnable) != 0 && (_svr & SoftwareEnable) != 0;

    internal int ProcessorPriority => Math.Max(_tpr & 0xFF, _inService & 0xF0);

    private bool IsX2Apic => (_base & BaseX2Apic) != 0;

    private bool ExtIntReady
    {
        get
        {
            if (!_lint0High)
            {
                return false;
            }

            // A disabled APIC leaves its LINT0 pin as the processor's plain INTR.
            return (_base & BaseEnable) == 0 || (Volatile.Read(ref _lvt[Lint0]) & (LvtMasked | 0x700)) == 0x700;
        }
    }

    /// <summary>Whether its LINT0 pin would raise an NMI (LINT1's pin is not connected here).</summary>
    public bool CanRaiseNmi =>
        (_base & BaseEnable) != 0 && (Volatile.Read(ref _lvt[Lint0]) & (LvtMasked | 0x700)) == (uint)DeliveryMode.Nmi << 8;

    /// <summary>The state of power-up, as firmware leaves it: the bootstrap processor takes the PIC's interrupts.</summary>
    public void PowerUp()
    {
        _base = (uint)BaseAddress | BaseEnable | (IsBootstrap ? BaseBootstrap : 0);
        Reset();
    }

    /// <summary>What INIT does: everything but the ID and the APIC base. An INIT message has done it already.</summary>
    public void Reset()
    {
        ResetTimer();
        for (int i = 0; i < 8; i++)
        {
            Volatile.Write(ref _irr[i], 0);
            Volatile.Write(ref _tmr[i], 0);
            Volatile.Write(ref _isr[i], 0);
        }

        for (int i = 0; i < _lvt.Length; i++)
        {
            Volatile.Write(ref _lvt[i], LvtMasked);
        }

        if (IsBootstrap)
        {
            Volatile.Write(ref _lvt[Lint0], 0x700);
            Volatile.Write(ref _lvt[Lint1], 0x400);
        }

        _svr = 0xFF;
        _dfr = 0xFFFF_FFFF;
        _ldr = IsX2Apic ? X2ApicLdr : 0;
        _tpr = 0;
        _inService = 0;
        _icrLow = 0;
        _icrHigh = 0;
        _errors = 0;
        _errorStatus = 0;
        Interlocked.Increment(ref _changes);
    }

    /// <summary>Who is told of each interrupt its vCPU takes; null for nobody.</summary>
    public IInterruptObserver? Observer { get; set; }

    /// <summary>Who is told when its vCPU changes the task priority; null for nobody.</summary>
    public ITaskPriorityObserver? TaskPriorityObserver { get; set; }

    /// <summary>How many interrupts its vCPU took; from any thread.</summary>
    public long AcknowledgedCount => Volatile.Read(ref _acknowledged);

    /// <inheritdoc/>
    public bool TryAcknowledge(out byte vector)
    {
        if (ExtIntReady && _bus.TryAcknowledgePic(out vector))
        {
            NoteAcknowledged(vector);
            return true;
        }

        int top = HighestDeliverable();
        if (top < 0)
        {
            vector = 0;
            return false;
        }

        uint bit = 1u << (top & 31);
        Interlocked.And(ref _irr[top >> 5], ~bit);
        Volatile.Write(ref _isr[top >> 5], _isr[top >> 5] | bit);
        _inService = top;
        vector = (byte)top;
        NoteAcknowledged(vector);
        return true;
    }

    private void NoteAcknowledged(byte vector)
    {
        _acknowledged++;
        Observer?.OnInterrupt(vector);
    }

    private bool LookSlow()
    {
        int seen = Volatile.Read(ref _changes);
        if (ExtIntReady || HighestDeliverable() >= 0)
        {
            return true;
        }

        Volatile.Write(ref _settled, seen);
        return false;
    }

    /// <summary>Says that something may have become deliverable by the vCPU's own doing.</summary>
    private void Changed()
    {
        Interlocked.Increment(ref _changes);
        if (LookSlow())
        {
            _signals.Kick();
        }
    }

    private int HighestDeliverable()
    {
        if ((_base & BaseEnable) == 0)
        {
            return -1;
        }

        int top = Highest(_irr);
        return (top & 0xF0) > (ProcessorPriority & 0xF0) && top >= 0 ? top : -1;
    }

    private void SetTpr(int value)
    {
        int old = _tpr;
        _tpr = value;
        if ((value ^ old) >> 4 != 0)
        {
            TaskPriorityObserver?.OnTaskPriority(TaskPriority);
        }

        if (value < old)
        {
            Changed();
        }
    }

    private void EndOfInterrupt()
    {
        int vector = _inService;
        if (vector == 0)
        {
            return;
        }

        uint bit = 1u << (vector & 31);
        Volatile.Write(ref _isr[vector >> 5], _isr[vector >> 5] & ~bit);
        _inService = Math.Max(Highest(_isr), 0);
        if ((Volatile.Read(ref _tmr[vector >> 5]) & bit) != 0)
        {
            _bus.EndOfInterrupt((byte)vector);
        }

        Changed();
    }

    private static int Highest(uint[] bits)
    {
        for (int i = 7; i >= 0; i--)
        {
            uint word = Volatile.Read(ref bits[i]);
            if (word != 0)
            {
                return (i << 5) | BitOperations.Log2(word);
            }
        }

        return -1;
    }
}
