using System.Diagnostics;
using Bulkhead.Core.Interrupts;
using Bulkhead.Core.Io;
using Bulkhead.Core.Memory;
using Bulkhead.Core.Time;
using Bulkhead.X86.Engine;

namespace Bulkhead.Translator.Tests.Differential;

/// <summary>A machine without devices: nothing answers, nothing interrupts, time passes.</summary>
internal sealed class GuestIo : ICpuIo, IInterruptController, IClock
{
    public IInterruptController Interrupts => this;

    public IClock Clock => this;

    public bool HasPending => false;

    public byte TaskPriority { get; set; }

    /// <summary>Called whenever the time is asked for.</summary>
    public Action OnClock { get; init; } = static () => { };

    /// <summary>Answers a read of what is not RAM; null: nobody does.</summary>
    public Func<Gpa, byte>? OnRead { get; init; }

    public long NowNs
    {
        get
        {
            OnClock();
            return (long)Stopwatch.GetElapsedTime(0).TotalNanoseconds;
        }
    }

    public ulong GuestTsc => (ulong)NowNs;

    public ulong TscHz => 1_000_000_000;

    public long WhenTsc(ulong guestTsc) => (long)guestTsc;

    public bool TryAcknowledge(out byte vector)
    {
        vector = 0;
        return false;
    }

    public IoResult ReadMmio(Gpa address, Span<byte> data)
    {
        if (OnRead is null)
        {
            return Unclaimed(data);
        }

        data.Fill(OnRead(address));
        return IoResult.Ok;
    }

    public IoResult WriteMmio(Gpa address, ReadOnlySpan<byte> data) => IoResult.Unclaimed;

    public IoResult ReadPort(ushort port, Span<byte> data) => Unclaimed(data);

    public IoResult WritePort(ushort port, ReadOnlySpan<byte> data) => IoResult.Unclaimed;

    public bool TryReadMsr(uint index, out ulong value)
    {
        value = 0;
        return false;
    }

    public bool TryWriteMsr(uint index, ulong value) => false;

    private static IoResult Unclaimed(Span<byte> data)
    {
        data.Fill(0xFF);
        return IoResult.Unclaimed;
    }
}
